"""Tuning and transfer at smoke scale on stand-ins: what they depend on, what they write, and rates that diverge."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest
import torch

from common.results import arrays, records, tables
from common.running import stage
from papers.tsar import results, sequence, transfer, tune


def test_the_rate_is_chosen_by_the_curve_and_the_mean_over_seeds(tmp_path):
    averages = {3e-4: (0.75, 0.0), 1e-4: (0.375, 0.375), 1e-3: (0.25, 0.5)}
    names = {"condition": "grow", "meta_learning_set": "rich", "iterations": 12}
    rows = [
        {"seed": seed, **names, "learning_rate": rate, "recall": rate == 3e-4, "mean_recall": recall}
        for rate, recalls in averages.items()
        for seed, recall in zip((1000, 1001), recalls)
    ]
    tables.write(tmp_path / "tune.csv", rows)
    assert tune.best_learning_rate(tmp_path / "tune.csv", **names) == 1e-3  # equal means: the larger rate
    for other in ({"condition": "sculpt"}, {"iterations": 6}):
        with pytest.raises(stage.TrainingError, match="no tuning of (sculpt, rich, 12|grow, rich, 6)"):
            tune.best_learning_rate(tmp_path / "tune.csv", **(names | other))


@pytest.mark.slow
def test_all_stages_by_hand(call, meta_learn, stand_ins, imagenet, tmp_path):
    """Tuning and transfer read what meta-learning wrote; a seed alone gives what it gives among others."""
    meta_learn(tmp_path / "both.pt", "0-1")
    meta_learn(tmp_path / "tuning.pt", "1000")
    shared = ("--condition", "grow", "--meta-learning-set", "rich", "--iterations", 12)
    shared += ("--images", stand_ins / "imagenet.npz")
    call(tune, *shared, "--models", tmp_path / "tuning.pt", "--seeds", "1000", "--out", tmp_path / "tune.csv")
    tuned = results.READERS["tune"].read(tmp_path / "tune.csv")
    assert tuned.seed.tolist() == [1000, 1000] and tuned.learning_rate.tolist() == [1e-3, 3e-4]
    last = ("--models", tmp_path / "both.pt", "--tuning", tmp_path / "tune.csv")
    paths = {name: tmp_path / f"{name}.csv" for name in ("transfer", "diagnostics", "final_recall")}
    paths["activity_imagenet"] = tmp_path / "activity.npz"
    more = ("--diagnostics", paths["diagnostics"], "--final-recall", paths["final_recall"])
    call(
        transfer,
        *shared,
        *last,
        "--seeds",
        "0-1",
        "--out",
        paths["transfer"],
        *more,
        "--activity",
        paths["activity_imagenet"],
    )
    alone = ("--out", tmp_path / "again.csv", "--activity", tmp_path / "again_activity.npz")
    call(transfer, *shared, *last, "--seeds", "1", *alone)
    read = {name: results.READERS[name].read(path) for name, path in paths.items()}
    table, again = read["transfer"], results.READERS["transfer"].read(tmp_path / "again.csv")
    assert table[table.seed == 1].recall.tolist() == again.recall.tolist()
    assert table.groupby("seed").classes.apply(list).tolist() == [[1, 10, 50, 100]] * 2
    assert set(table.dataset) == {"imagenet"} and set(table.iterations) == {12}
    final = read["final_recall"].groupby("seed").recall.mean()
    assert final.tolist() == pytest.approx(table[table.classes == 100].recall.tolist())
    points = {quantity: rows.classes.nunique() for quantity, rows in read["diagnostics"].groupby("quantity")}
    assert points.pop("held-out accuracy") == 4 and set(points.values()) == {100}
    assert len(read["diagnostics"]) == 2 * (4 + 100 * len(points))
    about, meta_about = (json.loads((tmp_path / name).read_text()) for name in ("transfer.json", "both.json"))
    own = [about.pop("sha256")]
    for table in ("diagnostics", "final_recall", "activity"):
        of_table = records.read(tmp_path / f"{table}.json")
        own.append(of_table.pop("sha256"))
        assert of_table == about
    assert [list(checksums) for checksums in own] == [[".csv"], [".csv"], [".csv"], [".npz"]]
    both, activity = read["activity_imagenet"], arrays.read(tmp_path / "again_activity.npz")
    assert both.runs["seed"].tolist() == [0, 1] and set(both.values) == set(activity.values)
    for name, values in activity.values.items():
        np.testing.assert_array_equal(both.of(name, seed=1), values, err_msg=name)
    assert about["stage"] == "transfer" and [(one["name"], one["completeness"]) for one in about["data"]] == [
        ("imagenet", "stand-in"),
        ("omniglot", "stand-in"),
    ]
    assert about["protocol"]["meta_learning"] == meta_about["protocol"]["meta_learning"]
    assert about["measured"]["meta_learning_commits"] == [meta_about["git"]]


FEW = ("transfer.classes=22", "transfer.recall_after=[11, 22]", "transfer.baseline_learning_rates=[1e30, 1e-3, 1e-2]")


@pytest.fixture
def tune_scratch(call, stand_ins, tmp_path):
    """Tunes Scratch, which needs no models: tune_scratch(name of the table)."""

    def run(name):
        shared = ("--condition", "scratch", "--meta-learning-set", "rich", "--iterations", 0, "--seeds", "1000")
        files = ("--images", stand_ins / "imagenet.npz", "--out", tmp_path / name)
        files += ("--checkpoint", tmp_path / name.replace("csv", "ckpt"))
        call(tune, *shared, *files, *[argument for override in FEW for argument in ("--set", override)])
        return pandas.read_csv(tmp_path / name)

    return run


def test_a_rate_that_diverges_counts_as_recall_0_and_the_others_go_on(tune_scratch, capsys, monkeypatch):
    """Recall is made 1 after eleven classes of two images, and 0.5 after all."""
    monkeypatch.setattr(
        sequence, "recalled", lambda network, context, labels: torch.full_like(labels, 22) / len(labels)
    )
    tuned = tune_scratch("tune.csv")
    assert tuned.learning_rate.tolist() == [1e30, 1e-3, 1e-2]
    assert tuned.recall.tolist() == [0, 0.5, 0.5] and tuned.mean_recall.tolist() == [0, 0.75, 0.75]
    printed = capsys.readouterr().out
    assert printed.count("this rate counts as recall 0") == 1
    assert "tuning scratch rich seed 1000, learning rate 1e+30: the loss is nan" in printed


def test_a_tuning_that_was_killed_goes_on_and_ends_with_the_same_table(tune_scratch, monkeypatch, tmp_path):
    whole = tune_scratch("whole.csv")
    original, rates = tune.recalls, []

    def killed(network, images, settings, rate, *arguments):
        rates.append(rate)
        if len(rates) == 3:
            raise KeyboardInterrupt
        return original(network, images, settings, rate, *arguments)

    monkeypatch.setattr(tune, "recalls", killed)
    with pytest.raises(KeyboardInterrupt):
        tune_scratch("killed.csv")
    pandas.testing.assert_frame_equal(tune_scratch("killed.csv"), whole, check_exact=True)
    assert rates == [1e30, 1e-3, 1e-2, 1e-2] and not list(tmp_path.glob("*.ckpt"))
