"""Meta-learning at smoke scale on stand-ins: what it trains on, resume, seeds and batches, and errors."""

from __future__ import annotations

import pandas
import pytest
import torch

from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.tsar import meta_train
from tests.papers.tsar.small import SMOKE


def learner(images, seed=0, condition="grow", meta_learning_set="rich"):
    return meta_train.MetaLearner(condition, meta_learning_set, seed, images, SMOKE)


def run(one, steps):
    for _ in range(steps):
        one.step()
    return one


def equal(one, other):
    a, b = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def saved(path):
    """The models in a file, by seed."""
    return torch.load(path, weights_only=True)["models"]


@pytest.mark.parametrize("condition", ["grow", "oml", "no_regulation"])
def test_resume_equals_uninterrupted_bit_for_bit(omniglot, condition, tmp_path):
    whole = run(learner(omniglot, condition=condition), 12)
    checkpoint = Checkpoint(tmp_path / "state.ckpt", "key")
    checkpoint.save(run(learner(omniglot, condition=condition), 7).state_dict())  # 7: between two log lines
    resumed = learner(omniglot, condition=condition)
    resumed.load_state_dict(checkpoint.load())
    run(resumed, 5)
    assert equal(whole, resumed) and whole.log == resumed.log


def test_scarce_classes_are_a_random_few_of_the_rich_ones_that_depend_on_the_seed(omniglot):
    settings = SMOKE.meta_learning
    chosen = [meta_train.meta_classes("scarce", settings, 100, seed).tolist() for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == settings.scarce_classes and max(chosen[0]) < settings.rich_classes
    with pytest.raises(stage.TrainingError, match="the protocol wants 60 Omniglot classes, but the data set has 59"):
        meta_train.meta_classes("rich", settings, 59, 0)
    one = learner(omniglot, meta_learning_set="scarce")
    assert set(omniglot.labels[one.drawings.flatten()].tolist()) == set(chosen[0])
    assert (omniglot.labels[one.drawings] == one.classes[:, None]).all()


@pytest.mark.parametrize("condition, own", [("grow", ""), ("oml", "oml_")])
def test_an_infinite_loss_names_seed_iteration_and_the_rates_that_were_used(omniglot, condition, own):
    one = learner(omniglot, seed=4, condition=condition)
    one.network.fast[f"{one.network.last_layer}.bias"].data[0] = float("nan")
    rates = f"lower meta_learning.{own}inner_learning_rate or {own}outer_learning_rate"
    with pytest.raises(stage.TrainingError, match=f"seed 4, is nan within the 3 iterations before 3; {rates}$"):
        run(one, 3)


def test_the_inner_loop_is_one_class_whose_row_was_redrawn_and_the_outer_images_follow(omniglot, monkeypatch):
    one, calls, redrawn = learner(omniglot, meta_learning_set="scarce"), [], []  # scarce: a class is not its row
    meta_gradient, reset_class = meta_train.meta_gradient, one.network.reset_class

    def observed(network, images, labels, **settings):
        calls.append((images, labels, settings["inner_images"]))
        return meta_gradient(network, images, labels, **settings)

    monkeypatch.setattr(meta_train, "meta_gradient", observed)
    one.network.reset_class = lambda label, random: (redrawn.append(label), reset_class(label, random))
    run(one, 5)
    for (images, labels, inner), label in zip(calls, redrawn, strict=True):
        assert inner == 5 and len(images) == len(labels) == 5 + 16
        assert labels[:inner].tolist() == [label] * inner and label in one.classes
        assert labels[inner:].unique().numel() > 1 and set(labels.tolist()) <= set(one.classes.tolist())
        drawn = (images[:, None] == omniglot.batch(torch.arange(len(omniglot.labels)))[0]).flatten(2).all(2)
        assert (drawn & (omniglot.labels == labels[:, None])).any(1).all()  # each image is one of its label
        assert len(images[:inner].unique(dim=0)) == inner
    assert len(set(redrawn)) > 1


def test_a_model_does_not_depend_on_its_batch(meta_learn, tmp_path):
    meta_learn(tmp_path / "both.pt", "0-1")
    meta_learn(tmp_path / "second.pt", "1-1")
    both, second = (saved(tmp_path / name) for name in ("both.pt", "second.pt"))
    assert list(both) == ["0", "1"] and list(second) == ["1"]
    assert all(torch.equal(both["1"][name], second["1"][name]) for name in second["1"])
    assert not torch.equal(both["0"]["fast.c1.weight"], both["1"]["fast.c1.weight"])
    log = pandas.read_csv(tmp_path / "both.csv")
    assert sorted(log[log.quantity == "outer loss"].iteration.unique()) == [3, 6, 9, 12]
    assert {"C3 regulation, percentile 50", "C3 regulation, percentile 99.9"} < set(log.quantity)
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_batch_killed_in_its_second_model_goes_on_from_there(meta_learn, tmp_path, capsys, monkeypatch):
    """The rerun neither repeats the first model nor changes the result."""
    meta_learn(tmp_path / "whole.pt", "0-1")
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    steps = []

    class Killed(BaseException):
        pass

    original = meta_train.MetaLearner.step

    def step(self):
        steps.append((self.seed, self.iteration))
        if len(steps) == 20:
            raise Killed
        original(self)

    monkeypatch.setattr(meta_train.MetaLearner, "step", step)
    with pytest.raises(Killed):
        meta_learn(tmp_path / "killed.pt", "0-1")
    assert not (tmp_path / "killed.pt").exists()
    meta_learn(tmp_path / "killed.pt", "0-1")
    assert "resuming" in capsys.readouterr().out
    assert steps[20:] == [(1, iteration) for iteration in range(7, 12)]
    whole, killed = (saved(tmp_path / name) for name in ("whole.pt", "killed.pt"))
    assert all(torch.equal(whole[seed][name], killed[seed][name]) for seed in whole for name in whole[seed])


def test_a_longer_run_goes_on_from_a_shorter_one_and_each_length_is_a_run_of_its_own(meta_learn, tmp_path, monkeypatch):
    """Six iterations, then on to twelve: as six alone and twelve alone, and the first six are not run again."""
    meta_learn(tmp_path / "six.pt", "0-1", iterations=6)
    meta_learn(tmp_path / "twelve.pt", "0-1")
    steps, original = [], meta_train.MetaLearner.step

    def step(self):
        steps.append((self.seed, self.iteration))
        original(self)

    monkeypatch.setattr(meta_train.MetaLearner, "step", step)
    shared = {"checkpoint": tmp_path / "run.ckpt"}
    meta_learn(tmp_path / "first.pt", "0-1", "--keep-checkpoint", iterations=6, **shared)
    meta_learn(tmp_path / "second.pt", "0-1", iterations=12, **shared)
    assert steps == [(seed, i) for start in (0, 6) for seed in (0, 1) for i in range(start, start + 6)]
    assert not list(tmp_path.glob("run.*.ckpt"))
    for alone, ours in (("six", "first"), ("twelve", "second")):
        a, b = (saved(tmp_path / f"{name}.pt") for name in (alone, ours))
        assert list(a) == list(b) == ["0", "1"]
        assert all(torch.equal(a[seed][name], b[seed][name]) for seed in a for name in a[seed])
        assert (tmp_path / f"{alone}.csv").read_text() == (tmp_path / f"{ours}.csv").read_text()


def test_a_checkpoint_that_is_further_on_is_kept(meta_learn, tmp_path, monkeypatch):
    shared = {"checkpoint": tmp_path / "run.ckpt"}
    meta_learn(tmp_path / "long.pt", "0", "--keep-checkpoint", **shared)
    with pytest.raises(
        stage.TrainingError, match="the checkpoint is 12 iterations on: ask for that or more, or delete it"
    ):
        meta_learn(tmp_path / "short.pt", "0", iterations=6, **shared)
    assert len(list(tmp_path.glob("run.*.ckpt"))) == 1 and not (tmp_path / "short.pt").exists()


def test_a_run_too_short_for_its_log_is_refused(meta_learn, tmp_path, capsys):
    with pytest.raises(SystemExit):
        meta_learn(tmp_path / "short.pt", "0", iterations=2)
    assert "fewer than meta_learning.log_every" in capsys.readouterr().err
