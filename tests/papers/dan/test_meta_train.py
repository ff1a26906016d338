"""Meta-training: what moves and what stays, exact resumption, runs that do not depend on their neighbours, command lines."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from common.learning.optimizers import Adam
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.dan import data, meta_train, phenotypes, sequences
from papers.dan.meta_train import MetaLearner
from papers.dan.model import build
from tests.papers.dan.small import CPU, REGRESSION, call, equal


def learner(seeds=(0, 1), settings=REGRESSION, sharing="network", terms="memory"):
    return MetaLearner(build(settings, sharing), settings, list(seeds), terms, data.functions(settings), CPU)


@pytest.mark.parametrize("sharing", ["network", "none"])
@pytest.mark.parametrize("through_step", [False, True])
def test_a_sequence_is_algorithm_1_in_a_plain_loop(sharing, through_step):
    """theta_{t+1} is a function of phi_t if the gradient goes through the step, and else a constant."""
    settings = dataclasses.replace(REGRESSION, through_step=through_step, population=2)
    own = learner((1,), settings, sharing)
    theta, phi = [tensor.clone() for tensor in own.start], [tensor.clone() for tensor in own.phi]
    sources = sequences.generators((1,), 2, "meta-training")
    batch = own.draw(sources)
    uniform = sequences.uniform_numbers(len(batch.shown), settings.meta_batch, sources)
    optimizer = Adam(phi, settings.phi_rate)
    for step in range(len(batch.shown)):
        inner = [tensor.detach().requires_grad_() for tensor in theta]
        of_models = [tensor.requires_grad_().expand(2, *tensor.shape[1:]) for tensor in phi]
        task = ((own.network(inner, of_models, batch.at(step)[0]) - batch.at(step)[1]) ** 2).mean((1, 2)).sum()
        slopes = torch.autograd.grad(task, inner, create_graph=True)
        theta = [tensor.detach() - settings.theta_rate * slope for tensor, slope in zip(inner, slopes, strict=True)]
        theta = theta if through_step else [tensor.detach() for tensor in theta]
        inputs, targets = batch.meta(step, uniform[step], "memory")
        meta_loss = ((own.network(theta, of_models, inputs) - targets) ** 2).mean()
        optimizer.step(torch.autograd.grad(meta_loss, phi))
    start = [tensor.clone() for tensor in own.start]
    own.sequence()
    torch.testing.assert_close(own.phi, [tensor.detach() for tensor in phi], atol=1e-5, rtol=1e-4)
    assert equal(own.start, start)  # of every sequence


def test_a_population_starts_alike_and_learns_sequences_of_its_own():
    own = learner(settings=dataclasses.replace(REGRESSION, population=3))
    assert own.start[0].shape[0] == 6 and own.phi[0].shape[0] == 2
    assert [len(of_seed.unique(dim=0)) for of_seed in own.start[0].split(3)] == [1, 1]
    assert len(own.draw(own.sources).targets.unique(dim=0)) == 6
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


# Checkpoints


@pytest.mark.parametrize("saved_after", [1, 2, 3])
def test_a_checkpoint_of_as_many_sequences_or_fewer_is_gone_on_with_exactly(tmp_path, saved_after):
    before, after, whole = (
        learner(settings=dataclasses.replace(REGRESSION, sequences=count)) for count in (saved_after, 3, 3)
    )
    saved = Checkpoint(tmp_path / "state.ckpt", "key")
    meta_train.train(before, "before", None)
    saved.save(before.state_dict())
    meta_train.train(after, "after", saved)
    meta_train.train(whole, "whole", None)
    assert equal(after.phi, whole.phi) and after.rows == whole.rows and after.updates == whole.updates
    assert len(after.latest) == 3 and all(map(equal, after.latest, whole.latest))


def test_a_checkpoint_that_is_further_on_is_neither_used_nor_lost(tmp_path):
    saved, further = Checkpoint(tmp_path / "state.ckpt", "key"), learner()
    for _ in range(REGRESSION.sequences + 1):
        further.sequence()
    saved.save(further.state_dict())
    message = r"state\.\w+\.ckpt is 3 sequences on, past the 2 asked for; ask for as many"
    with pytest.raises(stage.TrainingError, match=message):
        meta_train.train(learner(), "fewer", saved)
    assert saved.load()["done"] == 3


def test_a_run_that_was_stopped_goes_on_to_more_sequences_and_to_nothing_else(tmp_path, monkeypatch):
    """From the command line: the checkpoint of a run is that of a run with another last sequence, and of no other."""
    keys = []

    def train(learner, label, checkpoint):
        keys.append(checkpoint.key)
        raise KeyboardInterrupt

    monkeypatch.setattr(meta_train, "train", train)
    others = ["--channels 5", "--terms both", "--sharing layer", "--set regression.phi_rate=0.1"]
    for more in ("--set regression.sequences=1", "--set regression.sequences=2", *others):
        command = f"--experiment regression --seeds 0-0 --checkpoint {tmp_path}/state.ckpt --out {tmp_path}/a.pt"
        with pytest.raises(KeyboardInterrupt):
            call(monkeypatch, meta_train, f"{command} {more}")
    assert keys[0] == keys[1] and len(set(keys)) == 1 + len(others)


def test_only_the_last_phenotypes_are_kept(monkeypatch):
    monkeypatch.setattr(phenotypes, "KEPT", 2)
    own, after = learner(), []
    for _ in range(3):
        own.sequence()
        after.append([tensor.clone() for tensor in own.phi])
    assert len(own.latest) == 2 and all(map(equal, own.latest, after[1:]))


# Runs that diverge


def test_a_seed_whose_loss_is_not_finite_is_left_behind(tmp_path, capsys):
    own, alone = learner(seeds=(4, 5)), learner(seeds=(4,))
    own.start[0][1].fill_(float("nan"))
    own.sequence(), alone.sequence()
    assert own.diverged == {5: "sequence 1"} and alone.diverged == {}
    assert "the meta-loss of seed 5 is nan in sequence 1; it is left out" in capsys.readouterr().err
    saved, resumed = Checkpoint(tmp_path / "state.pt", "key"), learner(seeds=(4, 5))
    saved.save(own.state_dict())
    resumed.load_state_dict(saved.load())
    resumed.start[0][1].fill_(float("nan"))
    resumed.sequence(), alone.sequence()
    assert resumed.diverged == {5: "sequence 1"}  # the first time, which is said once
    assert "left out" not in capsys.readouterr().err
    assert [(row["seed"], row["sequence"]) for row in resumed.rows] == [(4, 1), (4, 2)]
    losses = [row["loss"] for row in alone.rows]
    assert [row["loss"] for row in resumed.rows] == pytest.approx(losses, rel=1e-5)


def test_a_run_of_which_no_seed_is_left_ends():
    own = learner(seeds=(4, 5))
    own.start[0].fill_(float("nan"))
    with pytest.raises(stage.TrainingError, match="seed 5 is nan in sequence 1, and no seed is left; lower theta_rate"):
        own.sequence()


@pytest.mark.slow
def test_phenotypes_that_learn_lower_the_memory_loss_of_meta_training():
    changes = {"n_channels": 10, "hidden": (15, 8), "steps_per_task": 20, "theta_rate": 3e-3, "sequences": 4}
    means = {}
    for rate in (0.0, 1e-3):
        own = learner((0, 1, 2), dataclasses.replace(REGRESSION, phi_rate=rate, **changes))
        meta_train.train(own, "learning", None)
        means[rate] = sum(row["loss"] for row in own.rows)
    assert means[1e-3] < 0.8 * means[0.0]


def test_wrong_calls_say_what_to_do(monkeypatch, capsys):
    command = "--experiment images --seeds 0 --out x.pt"
    for more, message in (
        ("", "needs --omniglot"),
        ("--omniglot omniglot.npz --channels 24", "--channels: n_channels: a DAN sees a square patch"),
    ):
        with pytest.raises(SystemExit):
            call(monkeypatch, meta_train, f"{command} {more}")
        assert message in capsys.readouterr().err
