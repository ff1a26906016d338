"""Deployment on held-out functions and on digits: what moves, what is measured where, and who is left out."""

from __future__ import annotations

import numpy
import pytest
import torch

from common.results import arrays, records, tables
from common.running import stage
from papers.dan import data, deploy, deploy_images, meta_train, sequences
from papers.dan.method import learn_sequence
from papers.dan.model import build, initial_synapses, random_phenotypes
from papers.dan.protocol import NETWORKS
from papers.dan.runs import ON_FUNCTIONS
from tests.papers.dan.small import CPU, IMAGES, REGRESSION, SMOKE, call, equal, tiny_sets

SHORT = "--set regression.sequences=1 --set design.functions=2 --set design.shown_functions=1"
DEPLOYMENTS = {  # of each experiment: the stage, its files and its further options
    "regression": (deploy, ("stages.csv", "curves.csv", "predictions.csv"), SHORT),
    "images": (
        deploy_images,
        ("errors.csv", "grids.npz"),
        "--condition both --mnist mnist.npz --set images.sequences=1",
    ),
}


@pytest.mark.parametrize("plastic", [False, True])
def test_in_deployment_synapses_move_and_phenotypes_only_if_plastic(plastic):
    network = build(REGRESSION, "none")
    theta, phi = initial_synapses(network, [0]), random_phenotypes(network, [0])
    before = [tensor.clone() for tensor in theta], [tensor.clone() for tensor in phi]
    sources, seen = [torch.Generator().manual_seed(0)], []
    learn_sequence(network, theta, phi, data.functions(REGRESSION)(sources), REGRESSION, plastic, seen.append)
    assert not any(map(torch.equal, theta, before[0]))
    assert equal(phi, before[1]) != plastic
    assert seen == list(range(21))


def test_held_out_functions_are_the_same_for_all_and_not_those_of_meta_training():
    first, second = (deploy.HeldOut(REGRESSION, SMOKE.design, CPU) for _ in range(2))
    assert torch.equal(first.targets, second.targets) and torch.equal(first.batch.inputs, second.batch.inputs)
    trained = data.functions(REGRESSION)(sequences.generators([0, 1], REGRESSION.population, "meta-training"))
    assert not any(torch.equal(row, own) for row in first.batch.targets for own in trained.targets)
    assert first.grid.shape == (4, 100, 1)
    by_task = first.grid[0, :, 0].view(5, 20)
    assert by_task[:, 0].tolist() == pytest.approx([-4.95, -2.95, -0.95, 1.05, 3.05])
    assert first.variances[2] == pytest.approx(first.targets[2].var().item())


def measured(value, updates):
    """What is measured after so many updates of a network whose phenotype has this value everywhere."""
    network, models = build(REGRESSION, "network"), [0] * SMOKE.design.functions
    phi = [torch.full_like(tensor, value) for tensor in random_phenotypes(network, models)]
    found = deploy.Measured(deploy.HeldOut(REGRESSION, SMOKE.design, CPU))
    for update in updates:
        found.observe(network, initial_synapses(network, models), phi, {"network": "net0", "seed": 3}, update)
    return found


def six_digits(value):
    """What a table holds of a value: rounding to six digits changes it by five millionths at most."""
    return pytest.approx(value.item(), rel=6e-6)


def test_losses_are_measured_where_they_should_be():
    """A network that answers 0 to everything has, on each sub-task, the mean square of the target."""
    found, count = measured(0.0, updates=(0, 1, 4, 10, 20)), SMOKE.design.functions
    expected = found.held_out.targets.view(count, 5, 20).square().mean(2)
    stages = {(row["function"], row["after"], row["task"]): row["loss"] for row in found.stages}
    assert len(stages) == count * 3 * 5
    assert stages[2, 1, 4] == six_digits(expected[2, 3])
    curves = {(row["update"], row["quantity"]): row for row in found.curves}
    assert set(curves) == {(0, "total"), *((u, q) for u in (4, 10, 20) for q in ("total", "memory"))}
    assert curves[20, "memory"]["mean"] == curves[20, "total"]["mean"] == six_digits(expected.mean())
    assert curves[10, "memory"]["mean"] == six_digits((expected[:, :2].sum(1) + expected[:, 2] / 2).mean() / 2.5)
    assert curves[4, "memory"]["sd"] == six_digits(expected[:, 0].std())
    assert {row["after"] for row in found.predictions} == {1, 5}


def test_a_loss_in_deployment_that_is_not_finite_names_network_seed_and_update():
    with pytest.raises(stage.TrainingError, match="net0, seed 3, is not finite after 20 updates; lower theta_rate"):
        measured(float("nan"), updates=(20,))


def test_a_picture_is_the_first_image_of_its_digit():
    batch = sequences.image_sequence(IMAGES, torch.arange(6.0).view(1, 3, 2, 1).expand(1, 3, 2, 36))
    seen = deploy_images.Reconstructions(IMAGES, "both", [0], batch)
    pictures = seen.pictures(without=[])
    assert pictures.of("original", condition="both", seed=0)[0, :, 0, 0].tolist() == [0, 2, 4]
    assert seen.pictures(without=[0]).runs.empty
    assert seen.pictured == {1: "first", 3: "half", 9: "all"} and seen.measured == {0, 1, 3, 6, 9}


# From the command line


@pytest.fixture
def deployed(tmp_path, monkeypatch):
    """Meta-trains seeds 0 and 1 of an experiment on one sequence and deploys them: the log and the tables, by name."""
    monkeypatch.chdir(tmp_path)
    tiny_sets(tmp_path)

    def run(experiment):
        module, names, more = DEPLOYMENTS[experiment]
        options = f"--out a.pt --set {experiment}.sequences=1"
        options += " --omniglot omniglot.npz" if experiment == "images" else ""
        call(monkeypatch, meta_train, f"--experiment {experiment} --seeds 0-1 {options}")
        paths = {name.partition(".")[0]: tmp_path / name for name in names}
        options = " ".join(f"--{name} {path}" for name, path in paths.items())
        call(monkeypatch, module, f"--seeds 0-1 --phenotypes a.pt {options} {more}")
        return {"log": tmp_path / "a.csv", **paths}

    return run


def record_of(path):
    return records.read(path.with_suffix(".json"))


def seeds_in(path):
    return set((arrays.read(path).runs if path.suffix == ".npz" else tables.read(path))["seed"])


@pytest.mark.slow
def test_functions_from_the_command_line(deployed):
    paths = deployed("regression")
    log, stages, record = tables.read(paths["log"]), tables.read(paths["stages"]), record_of(paths["curves"])
    assert list(log.columns) == ["sharing", "n_channels", "condition", "seed", "sequence", "updates", "loss"]
    assert record_of(paths["log"])["stage"] == "meta_train regression"
    assert len(stages) == len(NETWORKS) * 2 * 2 * 6 * 5  # seeds, functions, borders, sub-tasks
    assert set(record["protocol"]["design"]) == set(ON_FUNCTIONS)
    assert record["stage"] == "deploy"
    start = stages[(stages["after"] == 0) & (stages["seed"] == 0)]
    start = start.pivot(index=["function", "task"], columns="network", values="loss")
    assert (start["net2"] == start["net3"]).all() and (start["net0"] == start["net1"]).all()
    assert not numpy.allclose(start["net0"], start["net2"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "run", "data_sets"),
    [
        ("regression", {"sharing": "network", "condition": "memory", "n_channels": 8}, []),
        ("images", {"sharing": "layer", "condition": "both", "n_channels": 25}, ["mnist", "omniglot"]),
    ],
)
def test_a_seed_that_diverged_in_meta_training_is_left_out_and_named(deployed, monkeypatch, experiment, run, data_sets):
    def synapses(network, seeds, members=1):
        theta = initial_synapses(network, seeds, members)
        theta[0][members:] = float("inf")  # of seed 1
        return theta

    monkeypatch.setattr(meta_train, "initial_synapses", synapses)
    log, *others = deployed(experiment).values()
    for path in (log, *others):
        record = record_of(path)
        assert seeds_in(path) == {0} and record["seeds"] == [0, 1]
        assert record["diverged"] == [run | {"experiment": experiment, "seed": 1, "at": "sequence 1"}]
        if path != log:
            assert record["measured"]["meta_training"]["settings"]["sequences"] == 1
            assert [about["name"] for about in record["data"]] == data_sets


@pytest.mark.slow
def test_a_seed_that_diverges_in_deployment_is_left_out_and_named(monkeypatch, tmp_path):
    tiny_sets(tmp_path)
    monkeypatch.chdir(tmp_path)
    lost = [1]

    def infinite(network, seeds):
        phi = random_phenotypes(network, seeds)
        for place in lost:
            phi[0][place].fill_(float("inf"))
        return phi

    monkeypatch.setattr(deploy_images, "random_phenotypes", infinite)
    command = "--condition random --seeds 0-1 --mnist mnist.npz --errors errors.csv --grids grids.npz"
    call(monkeypatch, deploy_images, command)
    for name in ("errors.csv", "grids.npz"):
        assert seeds_in(tmp_path / name) == {0}
        run = {"experiment": "images", "condition": "random", "seed": 1, "at": "step 0 of deployment"}
        assert record_of(tmp_path / name)["diverged"] == [run]
    lost.append(0)
    with pytest.raises(stage.TrainingError, match="errors of all seeds are not finite by step 0; lower theta_rate"):
        call(monkeypatch, deploy_images, command)


def test_only_random_phenotypes_are_not_given(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, deploy_images, "--condition both --seeds 0 --mnist m.npz --errors e.csv --grids g.npz")
    assert "--phenotypes goes with" in capsys.readouterr().err
