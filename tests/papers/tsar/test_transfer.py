"""Tuning and transfer at smoke scale on stand-ins: what they depend on, what they write, and rates that diverge."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas
import pytest

from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from papers.tsar import data, saved_models, transfer, tune
from tests.papers.tsar.conftest import CPU
from tests.papers.tsar.small import SMOKE

TEN = dataclasses.replace(SMOKE.transfer, classes=10, images_per_class=9, recall_after=(1, 10))


def fresh(condition, model=None):
    return transfer.fresh(condition, SMOKE.network, 0, model, CPU)


def test_scratch_learns_a_class_and_forgets_it_as_its_seed_says(imagenet):
    def curve(seed):
        return transfer.learn_in_sequence(fresh("scratch"), imagenet, TEN, 1e-2, seed, (1, 10), "test")

    (one, first), (ten, last) = curve(0)
    assert (one, ten) == (1, 10) and first > 0.5 > last
    assert curve(0) == curve(0) != curve(1)


def test_best_learning_rate_is_the_best_mean_over_tuning_seeds(tmp_path):
    rows = [
        {"seed": seed, "condition": "grow", "meta_learning_set": "rich", "learning_rate": rate, "recall": recall}
        for rate, recalls in {3e-4: (0.75, 0.0), 1e-4: (0.375, 0.375), 1e-3: (0.25, 0.5)}.items()
        for seed, recall in zip((1000, 1001), recalls)
    ]
    tables.write(tmp_path / "tune.csv", rows)
    assert transfer.best_learning_rate(tmp_path / "tune.csv", "grow", "rich") == 1e-3  # equal means: the larger rate
    with pytest.raises(stage.TrainingError, match="no tuning of sculpt"):
        transfer.best_learning_rate(tmp_path / "tune.csv", "sculpt", "rich")


def check_masks(masks, model, images):
    """200 images x 576 weights of C2; those of the first image are what the meta-learned regulator says of it."""
    assert masks.shape == (200, 8 * 8 * 9) and masks.dtype == np.float16 and masks.min() > 0
    network = fresh("grow", model)
    pool = data.tuning_pool(images.labels, tuning=False)
    sequence = data.class_by_class(images.labels, range(100), 2, generator(1, "transfer stream"), pool)
    _, first = network.context(images.batch(sequence[0, :1])[0])
    np.testing.assert_allclose(masks[0], first[0, network.layer("c2")].detach(), rtol=1e-3, atol=1e-7)
    assert (masks[-1] != masks[0]).any()


def test_all_stages_by_hand(call, meta_learn, stand_ins, imagenet, tmp_path):
    """Tuning and transfer read what meta-learning wrote; a seed alone gives what it gives among others."""
    meta_learn(tmp_path / "both.pt", "0-1")
    meta_learn(tmp_path / "tuning.pt", "1000")
    shared = ("--condition", "grow", "--meta-learning-set", "rich", "--imagenet", stand_ins / "imagenet.npz")
    call(tune, *shared, "--models", tmp_path / "tuning.pt", "--out", tmp_path / "tune.csv")
    tuned = pandas.read_csv(tmp_path / "tune.csv")
    assert tuned.seed.tolist() == [1000, 1000] and tuned.learning_rate.tolist() == [1e-3, 3e-4]
    last = ("--models", tmp_path / "both.pt", "--tuning", tmp_path / "tune.csv")
    call(transfer, *shared, *last, "--seeds", "0-1", "--out", tmp_path / "transfer.csv")
    record = ("--record-masks", tmp_path / "masks.npy", "--record-layer", "c2")
    call(transfer, *shared, *last, "--seeds", "1", *record, "--out", tmp_path / "again.csv")
    origin = saved_models.origin_of("grow", "rich", SMOKE)
    check_masks(np.load(tmp_path / "masks.npy"), saved_models.load([tmp_path / "both.pt"], [1], origin)[1], imagenet)
    table, again = (pandas.read_csv(tmp_path / name) for name in ("transfer.csv", "again.csv"))
    assert table[table.seed == 1].recall.tolist() == again.recall.tolist()
    assert table.groupby("seed").classes.apply(list).tolist() == [[1, 10, 50, 100]] * 2
    assert table.recall.between(0, 1).all() and set(table.dataset) == {"imagenet"}
    about, meta_about = (json.loads((tmp_path / name).read_text()) for name in ("transfer.json", "both.json"))
    assert about["stage"] == "transfer" and [(one["name"], one["completeness"]) for one in about["data"]] == [
        ("imagenet", "stand-in"),
        ("omniglot", "stand-in"),
    ]
    assert about["protocol"]["meta_learning"] == meta_about["protocol"]["meta_learning"]
    assert about["measured"]["meta_learning_commits"] == [meta_about["git"]]


def test_a_rate_that_diverges_counts_as_recall_0_and_the_others_go_on(call, stand_ins, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(transfer, "recall", lambda network, context, labels: 1.0)
    few = ("transfer.classes=10", "transfer.recall_after=[10]", "transfer.baseline_learning_rates=[1e30, 1e-3]")
    overrides = [argument for override in few for argument in ("--set", override)]
    shared = ("--condition", "scratch", "--meta-learning-set", "rich", "--imagenet", stand_ins / "imagenet.npz")
    call(tune, *shared, "--out", tmp_path / "tune.csv", *overrides)
    tuned = pandas.read_csv(tmp_path / "tune.csv")
    assert tuned.learning_rate.tolist() == [1e30, 1e-3] and tuned.recall.tolist() == [0, 1]
    printed = capsys.readouterr().out
    assert printed.count("this rate counts as recall 0") == 1
    assert "tuning scratch rich seed 1000, learning rate 1e+30: the loss is nan" in printed
