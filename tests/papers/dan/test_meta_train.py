"""Meta-training: what moves and what stays, exact resumption, runs that do not depend on their neighbours, command lines."""

from __future__ import annotations

import dataclasses

import numpy
import pytest
import torch

from common.results import records, tables
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.dan import data, meta_train, phenotypes, sequences
from papers.dan.meta_train import MetaLearner
from papers.dan.model import build
from tests.papers.dan.small import CPU, REGRESSION, call, equal, tiny_sets

EXPERIMENTS = {  # options, and each seed's mean meta-loss
    "regression": ("--sharing network", [0.486992, 0.368924]),
    "images": ("--omniglot {folder}/omniglot.npz", [0.190729, 0.105351]),
}


def learner(seeds=(0, 1), settings=REGRESSION, sharing="network", terms="memory"):
    return MetaLearner(build(settings, sharing), settings, list(seeds), terms, data.functions(settings), CPU)


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
    """From the command line: the checkpoint of a killed run is that of a run with another last sequence, and of no other."""
    monkeypatch.setattr(Checkpoint, "due", lambda checkpoint: True)
    monkeypatch.setattr(Checkpoint, "delete", lambda checkpoint: None)
    command = f"--experiment regression --seeds 0-0 --checkpoint {tmp_path}/state.ckpt"
    call(monkeypatch, meta_train, f"{command} --out {tmp_path}/one.pt --set regression.sequences=1")
    call(monkeypatch, meta_train, f"{command} --out {tmp_path}/two.pt --set regression.sequences=2")
    assert f"{tmp_path}/state.ckpt: resuming from this checkpoint" in capsys.readouterr().out
    logs = [tables.read(tmp_path / f"{name}.csv") for name in ("one", "two")]
    assert logs[0]["sequence"].tolist() == [1] and logs[1]["sequence"].tolist() == [1, 2]
    assert logs[1]["loss"][0] == logs[0]["loss"][0]
    for other in ("--channels 5", "--terms both", "--sharing layer", "--set regression.phi_rate=0.1"):
        call(monkeypatch, meta_train, f"{command} --out {tmp_path}/other.pt --set regression.sequences=2 {other}")
        assert "checkpoint belongs to another protocol or other code" in capsys.readouterr().out


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


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_from_the_command_line(experiment, monkeypatch, tmp_path):
    tiny_sets(tmp_path)
    options, losses = EXPERIMENTS[experiment]
    options = f"{options.format(folder=tmp_path)} --out {tmp_path}/a.pt --set {experiment}.sequences=1"
    call(monkeypatch, meta_train, f"--experiment {experiment} --seeds 0-1 {options}")
    log = tables.read(tmp_path / "a.csv")
    assert list(log.columns) == ["sharing", "n_channels", "condition", "seed", "sequence", "updates", "loss"]
    assert log["loss"].tolist() == pytest.approx(losses, rel=1e-4)
    record = records.read(tmp_path / "a.json")
    assert record["stage"] == f"meta_train {experiment}" and list(record["protocol"]) == [experiment]
    assert record["measured"] == {key: log[key][0] for key in ("sharing", "n_channels", "condition")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "needs --omniglot"),
        ("--omniglot omniglot.npz --channels 24", "--channels: n_channels: a DAN sees a square patch"),
    ],
)
def test_wrong_calls_say_what_to_do(options, message, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, meta_train, f"--experiment images --seeds 0 --out x.pt {options}")
    assert message in capsys.readouterr().err
