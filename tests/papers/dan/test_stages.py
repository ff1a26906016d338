"""The stages: what moves and what stays, exact resumption, runs that do not depend on their neighbours, command lines."""

from __future__ import annotations

import dataclasses
import json

import numpy
import pytest
import torch

from common.results import records
from common.running import protocols, stage
from common.running.checkpoints import Checkpoint
from papers.dan import data, deploy, deploy_images, diagram, meta_train, phenotypes, sequences
from papers.dan.conditions import NETWORKS
from papers.dan.meta_train import MetaLearner
from papers.dan.model import build, initial_synapses, random_phenotypes
from tests.papers.dan.small import IMAGES, REGRESSION, SMOKE
from tests.papers.dan.test_sequences import prepared

CPU = torch.device("cpu")


def learner(seeds=(0, 1), settings=REGRESSION, sharing="network", terms="memory"):
    return MetaLearner(build(settings, sharing), settings, list(seeds), terms, data.functions(settings), CPU)


def equal(a, b):
    return all(torch.equal(one, other) for one, other in zip(a, b, strict=True))


def test_a_sequence_moves_the_phenotypes_and_resets_the_synapses():
    own = learner()
    synapses, phenotypes = [tensor.clone() for tensor in own.start], [tensor.clone() for tensor in own.phi]
    own.sequence()
    assert equal(own.start, synapses)
    assert all((now - before).abs().amax() > 0 for now, before in zip(own.phi, phenotypes, strict=True))
    assert own.updates == 20 * 1 and [row["seed"] for row in own.rows] == [0, 1]


@pytest.mark.parametrize("sharing", ["network", "none"])
def test_a_sequence_through_its_steps_is_algorithm_1_in_a_plain_loop(sharing):
    settings = dataclasses.replace(REGRESSION, through_step=True, population=2)
    own = learner((1,), settings, sharing)
    theta, phi = [tensor.clone() for tensor in own.start], [tensor.clone() for tensor in own.phi]
    sources = sequences.generators((1,), 2, "meta-training")
    batch = own.draw(sources)
    uniform = sequences.uniform_numbers(len(batch.shown), settings.meta_batch, sources)
    optimizer = torch.optim.Adam(phi, lr=settings.phi_rate)
    for step in range(len(batch.shown)):
        inner = [tensor.detach().requires_grad_() for tensor in theta]
        of_models = [tensor.requires_grad_().expand(2, *tensor.shape[1:]) for tensor in phi]
        task = ((own.network(inner, of_models, batch.at(step)[0]) - batch.at(step)[1]) ** 2).mean((1, 2)).sum()
        slopes = torch.autograd.grad(task, inner, create_graph=True)
        theta = [tensor - settings.theta_rate * slope for tensor, slope in zip(inner, slopes, strict=True)]
        inputs, targets = batch.meta(step, uniform[step], "memory")
        optimizer.zero_grad()
        ((own.network(theta, of_models, inputs) - targets) ** 2).mean().backward()
        optimizer.step()
    own.sequence()
    torch.testing.assert_close(own.phi, [tensor.detach() for tensor in phi], atol=1e-5, rtol=1e-4)


def test_the_phenotypes_learn_after_every_step_at_the_new_synapses(monkeypatch):
    """Algorithm 1, lines 9 to 16, at fixed theta: the order of the updates, and which theta each gradient is taken at."""
    calls = []
    of_task, of_phenotypes = meta_train.learn_task, meta_train.phenotype_gradients

    def task(network, theta, phi, batch, optimizer):
        calls.append(("task", theta[0].clone(), phi[0].clone(), batch[0].shape[1]))
        of_task(network, theta, phi, batch, optimizer)

    def phenotypes(network, theta, phi, members, batch):
        calls.append(("meta", theta[0].clone(), phi[0].clone(), batch[0].shape[1]))
        return of_phenotypes(network, theta, phi, members, batch)

    monkeypatch.setattr(meta_train, "learn_task", task)
    monkeypatch.setattr(meta_train, "phenotype_gradients", phenotypes)
    learner(settings=dataclasses.replace(REGRESSION, through_step=False)).sequence()
    assert [call[0] for call in calls] == ["task", "meta"] * 20
    assert [call[3] for call in calls] == [1, 6] * 20
    for first, second, third in zip(calls[::2], calls[1::2], calls[2::2]):
        assert not torch.equal(first[1], second[1]) and torch.equal(first[2], second[2])  # theta has moved, phi not yet
        assert torch.equal(second[1], third[1]) and not torch.equal(second[2], third[2])


def test_a_population_starts_alike_and_learns_sequences_of_its_own():
    settings = dataclasses.replace(REGRESSION, population=3)
    own = learner(settings=settings)
    assert own.start[0].shape[0] == 6 and own.phi[0].shape[0] == 2
    assert torch.equal(own.start[0][0], own.start[0][2]) and not torch.equal(own.start[0][2], own.start[0][3])
    batch = own.draw(own.sources)
    assert len({tuple(row) for row in batch.targets[..., 0].tolist()}) == 6
    own.sequence()
    assert [row["seed"] for row in own.rows] == [0, 1]


@pytest.mark.parametrize("terms", ["memory", "transfer", "both"])
def test_terms_of_the_meta_loss_change_what_is_learned(terms):
    own, other = learner(terms=terms), learner(terms="memory")
    own.sequence(), other.sequence()
    assert equal(own.phi, other.phi) == (terms == "memory")
    assert own.updates == (19 if terms == "transfer" else 20)


@pytest.mark.parametrize("sharing", ["network", "none"])
def test_a_run_does_not_depend_on_its_neighbours(sharing):
    both, alone = learner((3, 1), sharing=sharing), learner((1,), sharing=sharing)
    for own in (both, alone):
        own.sequence(), own.sequence()
    torch.testing.assert_close([tensor[1:] for tensor in both.phi], alone.phi, atol=1e-6, rtol=1e-4)


def test_resuming_is_exact(tmp_path):
    whole, first = learner(), learner()
    for _ in range(3):
        whole.sequence()
    first.sequence()
    saved = Checkpoint(tmp_path / "state.ckpt", "key")
    saved.save(first.state_dict())
    second = learner()
    second.load_state_dict(saved.load())
    second.sequence(), second.sequence()
    assert equal(second.phi, whole.phi) and second.rows == whole.rows and second.updates == whole.updates
    assert len(second.latest) == 3 and all(equal(*pair) for pair in zip(second.latest, whole.latest))


@pytest.mark.parametrize("saved_after", [1, 2])
def test_a_checkpoint_serves_as_many_sequences_or_more(tmp_path, saved_after):
    settings = dataclasses.replace(REGRESSION, sequences=saved_after)
    saved = Checkpoint(tmp_path / "state.ckpt", "key")
    before, after = learner(settings=settings), learner(settings=dataclasses.replace(settings, sequences=2))
    meta_train.train(before, "before", None)
    saved.save(before.state_dict())
    meta_train.train(after, "after", saved)
    whole = learner(settings=after.settings)
    meta_train.train(whole, "whole", None)
    assert after.done == 2 and equal(after.phi, whole.phi) and after.rows == whole.rows


def test_a_checkpoint_that_is_further_on_is_neither_used_nor_lost(tmp_path):
    saved = Checkpoint(tmp_path / "state.ckpt", "key")
    further = learner()
    for _ in range(REGRESSION.sequences + 1):
        further.sequence()
    saved.save(further.state_dict())
    with pytest.raises(
        stage.TrainingError, match="state.ckpt is 3 sequences on, past the 2 asked for; ask for as many"
    ):
        meta_train.train(learner(), "fewer", saved)
    assert saved.load()["done"] == 3


def test_a_run_that_was_stopped_goes_on_to_more_sequences(tmp_path, monkeypatch, capsys):
    """From the command line: the checkpoint of a killed run is that of a run with another last sequence."""
    monkeypatch.setattr(Checkpoint, "due", lambda saved: True)
    monkeypatch.setattr(Checkpoint, "delete", lambda saved: None)
    asked = f"--experiment regression --scale smoke --seeds 0-0 --checkpoint {tmp_path}/state.ckpt --out {tmp_path}"
    call(monkeypatch, meta_train, f"{asked}/one.pt --set regression.sequences=1")
    call(monkeypatch, meta_train, f"{asked}/two.pt --set regression.sequences=2")
    assert f"{tmp_path}/state.ckpt: resuming from this checkpoint" in capsys.readouterr().out
    logs = [records.read_tables(tmp_path / f"{name}.csv") for name in ("one", "two")]
    assert logs[0]["sequence"].tolist() == [1] and logs[1]["sequence"].tolist() == [1, 2]
    assert logs[1]["loss"][0] == logs[0]["loss"][0]


def test_only_the_last_phenotypes_are_kept(monkeypatch):
    monkeypatch.setattr(phenotypes, "KEPT", 2)
    own, after = learner(), []
    for _ in range(3):
        own.sequence()
        after.append([tensor.clone() for tensor in own.phi])
    assert len(own.latest) == 2 and equal(own.latest[0], after[1]) and equal(own.latest[1], after[2])


def test_a_seed_whose_loss_is_not_finite_is_left_behind(tmp_path, capsys):
    own, alone = learner(seeds=(4, 5)), learner(seeds=(4,))
    own.start[0][1].fill_(float("nan"))
    own.sequence(), alone.sequence()
    assert own.diverged == {5: "sequence 1"} and alone.diverged == {}
    assert "the meta-loss of seed 5 is nan in sequence 1; it is left out" in capsys.readouterr().err
    saved = Checkpoint(tmp_path / "state.pt", "key")
    saved.save(own.state_dict())
    resumed = learner(seeds=(4, 5))
    resumed.load_state_dict(saved.load())
    resumed.start[0][1].fill_(float("nan"))
    resumed.sequence(), alone.sequence()
    assert resumed.diverged == {5: "sequence 1"}  # the first time, which is said once
    assert "left out" not in capsys.readouterr().err
    assert [(row["seed"], row["sequence"]) for row in resumed.rows] == [(4, 1), (4, 2)]
    numpy.testing.assert_allclose([row["loss"] for row in resumed.rows], [row["loss"] for row in alone.rows], rtol=1e-5)


def test_a_run_of_which_no_seed_is_left_ends():
    own = learner(seeds=(4, 5))
    own.start[0].fill_(float("nan"))
    with pytest.raises(stage.TrainingError, match="seed 5 is nan in sequence 1, and no seed is left; lower theta_rate"):
        own.sequence()


def test_phenotypes_that_learn_lower_the_memory_loss_of_meta_training():
    changes = {"n_channels": 10, "hidden": (15, 8), "steps_per_task": 20, "theta_rate": 3e-3, "sequences": 4}
    means = {}
    for rate in (0.0, 1e-3):
        own = learner((0, 1, 2), dataclasses.replace(REGRESSION, phi_rate=rate, **changes))
        for _ in range(4):
            own.sequence()
        means[rate] = sum(row["loss"] for row in own.rows)
    assert means[1e-3] < 0.8 * means[0.0]


@pytest.mark.parametrize("plastic", [False, True])
def test_in_deployment_synapses_move_and_phenotypes_only_if_plastic(plastic):
    network = build(REGRESSION, "none")
    theta, phi = initial_synapses(network, [0]), random_phenotypes(network, [0])
    before = [tensor.clone() for tensor in theta], [tensor.clone() for tensor in phi]
    sources = [torch.Generator().manual_seed(0)]
    seen = []
    deploy.learn(network, theta, phi, data.functions(REGRESSION)(sources), REGRESSION, plastic, seen.append)
    assert not any(torch.equal(now, then) for now, then in zip(theta, before[0], strict=True))
    assert equal(phi, before[1]) != plastic
    assert seen == list(range(21))


def test_held_out_functions_are_the_same_for_all_and_not_those_of_meta_training():
    first, second = (deploy.HeldOut(REGRESSION, SMOKE.design, CPU) for _ in range(2))
    assert torch.equal(first.targets, second.targets) and torch.equal(first.batch.inputs, second.batch.inputs)
    trained = data.functions(REGRESSION)(learner().sources)
    assert not any(torch.equal(row, own) for row in first.batch.targets for own in trained.targets)
    assert first.grid.shape == (4, 100, 1)
    by_task = first.grid[0, :, 0].view(5, 20)
    assert by_task[:, 0].tolist() == pytest.approx([-4.95, -2.95, -0.95, 1.05, 3.05])
    assert first.variances[2] == pytest.approx(first.targets[2].var().item())


def on_functions():
    """The held-out functions, and a network for them with its theta and phi, the same for each."""
    held_out, network = deploy.HeldOut(REGRESSION, SMOKE.design, CPU), build(REGRESSION, "network")
    theta, phi = (
        [tensor.repeat_interleave(SMOKE.design.functions, 0) for tensor in made]
        for made in (initial_synapses(network, [0]), random_phenotypes(network, [0]))
    )
    return held_out, network, theta, phi


def six_digits(value):
    """What a table holds of a value: rounding to six digits changes it by five millionths at most."""
    return pytest.approx(value.item(), rel=6e-6)


def test_losses_are_measured_where_they_should_be():
    """A network that answers 0 to everything has, on each sub-task, the mean square of the target."""
    held_out, network, theta, phi = on_functions()
    count = SMOKE.design.functions
    phi = [torch.zeros_like(tensor) for tensor in phi]
    measured = deploy.Measured(held_out)
    for update in (0, 1, 4, 10, 20):
        measured.observe(network, theta, phi, {"network": "net0", "seed": 0}, update)
    expected = held_out.targets.view(count, 5, 20).square().mean(2)
    stages = {(row["function"], row["after"], row["task"]): row["loss"] for row in measured.stages}
    assert len(stages) == count * 3 * 5
    assert stages[2, 1, 4] == six_digits(expected[2, 3])
    curves = {(row["update"], row["quantity"]): row for row in measured.curves}
    assert set(curves) == {(0, "total"), *((u, q) for u in (4, 10, 20) for q in ("total", "memory"))}
    assert curves[20, "memory"]["mean"] == curves[20, "total"]["mean"] == six_digits(expected.mean())
    assert curves[10, "memory"]["mean"] == six_digits((expected[:, :2].sum(1) + expected[:, 2] / 2).mean() / 2.5)
    assert curves[4, "memory"]["sd"] == six_digits(expected[:, 0].std())
    assert {row["after"] for row in measured.predictions} == {1, 5}


def test_a_loss_in_deployment_that_is_not_finite_names_network_seed_and_update():
    held_out, network, theta, phi = on_functions()
    phi[0][1].fill_(float("nan"))
    with pytest.raises(stage.TrainingError, match="net0, seed 3, is not finite after 20 updates; lower theta_rate"):
        deploy.Measured(held_out).observe(network, theta, phi, {"network": "net0", "seed": 3}, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny data sets, and phenotypes meta-trained on them."""
    path = tmp_path_factory.mktemp("dan")
    source = numpy.random.default_rng(0)
    images = source.integers(0, 255, (24 * 6, 14, 14), dtype=numpy.uint8)
    prepared(path, "omniglot", "background", images, numpy.arange(24 * 6) // 6)
    prepared(path, "mnist", "test", images[:80], numpy.arange(80) % 10)
    return path


def call(monkeypatch, stage_module, text):
    monkeypatch.setattr("sys.argv", ["stage", *text.split()])
    stage_module.main()


def test_functions_from_the_command_line(folder, monkeypatch):
    out = folder / "phenotypes.pt"
    call(
        monkeypatch,
        meta_train,
        f"--scale smoke --experiment regression --sharing network --seeds 0-1 --out {out} --set regression.sequences=1",
    )
    log = records.read_tables(out.with_suffix(".csv"))
    assert list(log.columns) == ["sharing", "n_channels", "condition", "seed", "sequence", "updates", "loss"]
    tables = {name: folder / f"{name}.csv" for name in ("stages", "curves", "predictions")}
    options = " ".join(f"--{name} {path}" for name, path in tables.items())
    short = "--set regression.sequences=1 --set design.functions=2 --set design.shown_functions=1"
    call(monkeypatch, deploy, f"--scale smoke --seeds 0-1 --phenotypes {out} {options} {short}")
    stages = records.read_tables(tables["stages"])
    assert set(stages["network"]) == set(NETWORKS) and len(stages) == 6 * 2 * 2 * 6 * 5
    about = json.loads(tables["curves"].with_suffix(".json").read_text())
    assert about["stage"] == "deploy" and about["measured"]["meta_training"]["settings"]["sequences"] == 1
    assert about["measured"]["meta_training"]["condition"] == "memory"
    start = stages[(stages["after"] == 0) & (stages["seed"] == 0)].pivot(
        index=["function", "task"], columns="network", values="loss"
    )
    assert (start["net2"] == start["net3"]).all() and (start["net0"] == start["net1"]).all()
    assert not numpy.allclose(start["net0"], start["net2"])


def test_images_from_the_command_line(folder, monkeypatch):
    out, mnist = folder / "images.pt", folder / "mnist.npz"
    call(
        monkeypatch,
        meta_train,
        f"--scale smoke --experiment images --seeds 0-1 --omniglot {folder}/omniglot.npz "
        f"--out {out} --set images.sequences=1",
    )
    for condition, trained in (("both", f"--phenotypes {out}"), ("random", "")):
        call(
            monkeypatch,
            deploy_images,
            f"--scale smoke --condition {condition} --seeds 0-1 {trained} --mnist {mnist} --set images.sequences=1 "
            f"--errors {folder}/errors_{condition}.csv --grids {folder}/grids_{condition}.csv",
        )
    errors, random = (records.read_tables(folder / f"errors_{name}.csv") for name in ("both", "random"))
    steps = [0, 1, *range(4, 41, 4)]
    assert sorted(set(errors["step"])) == steps and len(errors) == 2 * len(steps) * 10
    assert not numpy.allclose(errors["loss"], random["loss"])
    grids = records.read_tables(folder / "grids_both.csv")
    assert set(grids["shown"]) == {"original", "first", "half", "all"} and len(grids) == 2 * 4 * 10 * 14 * 14
    about = json.loads((folder / "errors_both.json").read_text())
    assert [one["name"] for one in about["data"]] == ["mnist", "omniglot"]
    assert about["measured"]["meta_training"]["settings"]["sequences"] == 1


@pytest.mark.parametrize("experiment", ["regression", "images"])
def test_a_seed_that_diverged_is_left_out_of_all_tables_and_named(experiment, folder, monkeypatch, tmp_path):
    of_seeds = initial_synapses

    def infinite(network, seeds, members=1):
        tensors = of_seeds(network, seeds, members)
        tensors[0][members:].fill_(float("inf"))  # all seeds but the first
        return tensors

    out = tmp_path / "phenotypes.pt"
    of_functions = experiment == "regression"
    options = "--sharing network" if of_functions else f"--omniglot {folder}/omniglot.npz"
    with monkeypatch.context() as patch:
        patch.setattr(meta_train, "initial_synapses", infinite)
        call(
            patch,
            meta_train,
            f"--scale smoke --experiment {experiment} {options} --seeds 0-1 --out {out} --set {experiment}.sequences=1",
        )
    named = ["regression by network, 8 channels, memory" if of_functions else "images by layer, 25 channels, both"]
    named[0] += ", seed 1 (sequence 1)"
    assert set(records.read_tables(out.with_suffix(".csv"))["seed"]) == {0}
    assert json.loads(out.with_suffix(".json").read_text())["diverged"] == named
    tables = {name: tmp_path / f"{name}.csv" for name in ("stages", "curves", "predictions", "errors", "grids")}
    short = f"--scale smoke --phenotypes {out} --set {experiment}.sequences=1"
    if of_functions:
        names, module = ("stages", "curves", "predictions"), deploy
        short += " --set design.functions=2 --set design.shown_functions=1"
    else:
        names, module = ("errors", "grids"), deploy_images
        short += f" --condition both --mnist {folder}/mnist.npz"
    short += " " + " ".join(f"--{name} {tables[name]}" for name in names)
    call(monkeypatch, module, f"--seeds 0-1 {short}")
    for name in names:
        assert set(records.read_tables(tables[name])["seed"]) == {0}
        about = json.loads(tables[name].with_suffix(".json").read_text())
        assert about["diverged"] == named and about["seeds"] == [0, 1]
    with pytest.raises(stage.TrainingError, match="all seeds that were asked for diverged in meta-training"):
        call(monkeypatch, module, f"--seeds 1-1 {short}")


def test_a_seed_that_diverges_in_deployment_is_left_out_and_named(folder, monkeypatch, tmp_path):
    drawn, lost = random_phenotypes, [1]

    def infinite(network, seeds):
        tensors = drawn(network, seeds)
        for place in lost:
            tensors[0][place].fill_(float("inf"))
        return tensors

    monkeypatch.setattr(deploy_images, "random_phenotypes", infinite)
    errors, grids = tmp_path / "errors.csv", tmp_path / "grids.csv"
    command = (
        f"--scale smoke --condition random --seeds 0-1 --mnist {folder}/mnist.npz --errors {errors} --grids {grids}"
    )
    call(monkeypatch, deploy_images, command)
    for table in (errors, grids):
        assert set(records.read_tables(table)["seed"]) == {0}
        assert json.loads(table.with_suffix(".json").read_text())["diverged"] == [
            "random in deployment, seed 1 (step 0)"
        ]
    lost.append(0)
    with pytest.raises(stage.TrainingError, match="errors of all seeds are not finite by step 0; lower theta_rate"):
        call(monkeypatch, deploy_images, command)


def test_a_picture_is_the_first_image_of_its_digit():
    settings = IMAGES
    batch = data.sequences.image_sequence(settings, torch.arange(6.0).view(1, 3, 2, 1).expand(1, 3, 2, 36))
    found = deploy_images.Reconstructions(settings, "both", [0], batch)
    values = {row["digit"]: row["value"] for row in found.grids}
    assert values == {0: 0, 1: 2, 2: 4}
    assert found.pictured == {1: "first", 3: "half", 9: "all"} and found.measured == {0, 1, 3, 6, 9}


def test_wrong_calls_say_what_to_do(folder, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, meta_train, f"--scale smoke --experiment images --seeds 0 --out {folder}/x.pt")
    assert "needs --omniglot" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call(
            monkeypatch,
            deploy_images,
            f"--scale smoke --condition both --seeds 0 --mnist {folder}/mnist.npz "
            f"--errors {folder}/e.csv --grids {folder}/g.csv",
        )
    assert "--phenotypes goes with" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        options = f"--omniglot {folder}/omniglot.npz --out {folder}/x.pt"
        call(monkeypatch, meta_train, f"--scale smoke --experiment images --channels 24 --seeds 0 {options}")
    assert "--channels: n_channels: a DAN sees a square patch" in capsys.readouterr().err


ORIGIN = {"experiment": "regression", "sharing": "network", "condition": "memory"}
ORIGIN |= {"settings": protocols.as_dict(SMOKE.regression), "data": []}


def test_phenotypes_are_read_as_they_were_written(tmp_path):
    phi = random_phenotypes(build(SMOKE.regression, "network"), [0, 1])
    last = {seed: [tensor[seed] for tensor in phi] for seed in (0, 1)}
    path, by_seed = (
        tmp_path / "a.pt",
        {seed: [torch.stack([3 * tensor, tensor]) for tensor in last[seed]] for seed in last},
    )
    phenotypes.save(path, ORIGIN, by_seed)
    found, origin = phenotypes.load(path, [1], SMOKE.regression, experiment="regression", sharing="network")
    assert list(found) == [1] and equal(found[1], last[1]) and origin == ORIGIN
    slower = dataclasses.replace(SMOKE.regression, theta_rate=1e-5, theta_optimizer="adam")
    assert equal(phenotypes.load(path, [0], slower)[0][0], last[0])  # which deployment may have otherwise
    mean = phenotypes.load(path, [0], SMOKE.regression, averaged=2)[0][0]
    torch.testing.assert_close(mean, [2 * tensor for tensor in last[0]])
    with pytest.raises(
        stage.TrainingError, match="the last 2 phenotypes .* mean of 3 is to be deployed: lower averaged"
    ):
        phenotypes.load(path, [0], SMOKE.regression, averaged=3)
    with pytest.raises(stage.TrainingError, match="holds the seeds 0, 1, but 2 was asked for"):
        phenotypes.load(path, [1, 2], SMOKE.regression)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment": "images"}, "experiment = images, but regression"),
        ({"sharing": "none"}, "sharing = none, but network"),
        ({"settings": ORIGIN["settings"] | {"n_channels": 5}}, "n_channels = 5, but 8"),
        ({"settings": ORIGIN["settings"] | {"sequences": 1}}, "sequences = 1, but 3"),
        ({"settings": ORIGIN["settings"] | {"through_step": True}}, "through_step = True, but False"),
    ],
)
def test_phenotypes_that_were_trained_otherwise_are_not_deployed(tmp_path, monkeypatch, changes, message):
    path = tmp_path / "a.pt"
    phenotypes.save(path, ORIGIN | changes, {0: [torch.zeros(1)]})
    tables = " ".join(f"--{name} {tmp_path}/{name}.csv" for name in ("stages", "curves", "predictions"))
    with pytest.raises(stage.TrainingError, match=rf"a\.pt was meta-trained with {message} is to be deployed"):
        call(monkeypatch, deploy, f"--scale smoke --seeds 0 --phenotypes {path} {tables}")


def test_phenotypes_of_another_meta_loss_are_not_deployed(folder, monkeypatch):
    origin = {"experiment": "images", "sharing": "layer", "condition": "memory"}
    origin |= {"settings": protocols.as_dict(SMOKE.images), "data": []}
    phenotypes.save(folder / "memory.pt", origin, {0: [torch.zeros(1)]})
    options = f"--mnist {folder}/mnist.npz --errors {folder}/e.csv --grids {folder}/g.csv"
    with pytest.raises(stage.TrainingError, match="condition = memory, but both is to be deployed"):
        call(
            monkeypatch,
            deploy_images,
            f"--scale smoke --condition both --seeds 0 --phenotypes {folder}/memory.pt {options}",
        )


def test_a_file_that_does_not_say_what_it_holds_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.pt"
    with pytest.raises(stage.TrainingError, match=r"a\.pt does not exist: papers\.dan\.meta_train writes it"):
        phenotypes.load(path, [0], SMOKE.regression)
    for old in (
        {"0": [torch.zeros(1)]},
        {"origin": ORIGIN, "phenotypes": {"0": [torch.zeros(1)]}},
    ):  # as they once were
        torch.save(old, path)
        with pytest.raises(stage.TrainingError, match="what it was meta-trained with: run .*meta_train again"):
            phenotypes.load(path, [0], SMOKE.regression)
    path.write_bytes(b"not a file of torch")
    with pytest.raises(stage.TrainingError, match="is damaged, or old"):
        phenotypes.load(path, [0], SMOKE.regression)


def test_the_diagram_is_of_a_network_that_has_learned(folder, monkeypatch):
    call(monkeypatch, diagram, f"--scale smoke --out {folder}/diagram.csv")
    table = records.read_tables(folder / "diagram.csv")
    counts = table["kind"].value_counts().to_dict()
    assert counts == {"synapse": (2 * 3 + 3 * 1) * 3, "node": 6, "phenotype": 3 * 15 + 15 * 8 + 8}
    output = table[(table["kind"] == "node") & (table["layer"] == 2)]["value"].item()
    assert output == pytest.approx(0.8 * -0.5, abs=0.1)
