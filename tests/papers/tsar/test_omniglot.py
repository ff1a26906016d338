"""Unseen Omniglot classes: which drawings are learned in which order, and what the stage writes."""

from __future__ import annotations

import pytest
import torch

from common.results import tables
from papers.tsar import omniglot, results
from papers.tsar.protocol import OMNIGLOT_VARIANTS

LABELS = torch.arange(8).repeat(6)


def test_drawings_to_learn_and_held_out_are_all_of_random_classes():
    learned, held_out = omniglot.drawn(LABELS, 5, 4, 2, seed=0)
    assert learned.shape == (5, 4) and held_out.shape == (5, 2)
    both = torch.cat([learned, held_out], 1)
    assert len(both.unique()) == 30 and torch.equal(LABELS[both], LABELS[both[:, :1]].expand(5, 6))
    classes = {tuple(LABELS[omniglot.drawn(LABELS, 5, 4, 2, seed)[0][:, 0]].tolist()) for seed in range(5)}
    assert len(classes) > 1
    assert torch.equal(learned, omniglot.drawn(LABELS, 5, 4, 2, seed=0)[0])
    with pytest.raises(ValueError, match="the evaluation set has 8 classes, not 9"):
        omniglot.drawn(LABELS, 9, 4, 2, seed=0)


def test_each_epoch_shows_every_drawing_once_in_an_order_of_its_own():
    sequence = torch.arange(100, 160).view(10, 6)
    (row,) = omniglot.shuffled(sequence, 3, seed=0)
    epochs = row.view(3, 60)
    assert all(sorted(epoch.tolist()) == [*range(100, 160)] for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 3
    assert (epochs[0] != sequence.flatten()).float().mean() > 0.8


@pytest.mark.slow
def test_grow_runs_all_variants_and_others_the_plain_one(call, meta_learn, stand_ins, tmp_path):
    meta_learn(tmp_path / "grow.pt", "0-1")
    names = {"condition": "grow", "meta_learning_set": "rich", "iterations": 12, "dataset": "imagenet"}
    others = names | {"condition": "scratch", "iterations": 0}
    tuned = [own | {"seed": 1000, "learning_rate": 1e-3, "mean_recall": 0.5} for own in (names, others)]
    tables.write(tmp_path / "tune.csv", tuned)

    def run(condition, iterations, seeds, *models):
        given = ("--condition", condition, "--meta-learning-set", "rich", "--iterations", iterations, "--seeds", seeds)
        files = ("--images", stand_ins / "omniglot.npz", "--tuning", tmp_path / "tune.csv", "--out", tmp_path / "o.csv")
        call(omniglot, *given, *files, *models)
        return results.READERS["omniglot"].read(tmp_path / "o.csv")

    models = ("--models", tmp_path / "grow.pt")
    both, alone = run("grow", 12, "0-1", *models), run("grow", 12, "1", *models)
    assert both["variant"].tolist() == [*OMNIGLOT_VARIANTS] * 2 and set(both["classes"]) == {30}
    assert both["dataset"].unique().tolist() == ["omniglot"]
    accuracies = ["recall", "held_out"]
    assert both[both["seed"] == 1][accuracies].values.tolist() == alone[accuracies].values.tolist()
    iid = both[both["variant"] == "cp_only_iid"]
    assert (iid["recall"] * 90 % 1).round(6).isin([0, 1]).all()  # of 30 classes of three drawings, each counted alike
    assert run("scratch", 0, "0")["variant"].tolist() == ["plain"]
