"""One Hebbian update of a real batch (Figure 1), and the removal probabilities with what they leave."""

from __future__ import annotations

import dataclasses
import json

import pytest

from common.results import tables as table_files
from papers.dhp import data, imbalance, update
from tests.papers.dhp.small import CPU, SMOKE, fails, overriding


def test_the_update_of_a_real_batch_obeys_algorithm_1(call, digits, tmp_path):
    out = tmp_path / "update.csv"
    more = overriding(("permuted.hidden=[12, 9]", "permuted.batch=40"))
    call(update, "--data", digits, "--out", out, *more)
    table = table_files.read(out)
    assert set(table.columns) == {"kind", "example", "class", "unit", "value"}
    shown = table[table.kind == "activation"].pivot(index=["example", "class"], columns="unit", values="value")
    before, after = (
        table[table.kind == kind].pivot(index="class", columns="unit", values="value") for kind in ("before", "after")
    )
    assert shown.index.get_level_values("example").tolist() == list(range(1, 41))  # the whole batch
    assert before.shape == after.shape == (10, 9)
    means = shown.groupby("class").mean()
    assert means.loc[6].is_monotonic_decreasing
    # after - before = eta (mean - before), with one eta for all units: that of a short run, near its initial value
    change, gap = (after - before).loc[means.index].stack(), (means - before.loc[means.index]).stack()
    eta = (change @ gap) / (gap @ gap)
    assert (change - eta * gap).abs().max() < 1e-6 and eta == pytest.approx(SMOKE.permuted.eta, rel=0.5)
    assert (before.loc[6] != 0).any() and (change.loc[6] != 0).all()
    assert (after == before).drop(index=means.index).all(axis=None)
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["stage"] == "update" and about["protocol"]["permuted"]["hidden"] == [12, 9]


def test_a_batch_without_a_six_says_what_to_do(call, digits, tmp_path, capsys):
    options = ("--data", digits, "--out", tmp_path / "a.csv", *overriding(("permuted.hidden=[5]", "permuted.batch=1")))
    message = fails(capsys, lambda: call(update, *options))
    assert "the batch of 1 images shows no 6; take a larger batch" in message
    assert not list(tmp_path.iterdir())


def test_removal_probabilities_are_stored_with_what_they_leave(call, digits, tmp_path):
    out = tmp_path / "imbalance.csv"
    call(imbalance, "--data", digits, "--out", out, *overriding(("imbalanced.tasks=4",)))
    table = table_files.read(out)
    assert len(table) == 4 * 10
    drawn = table.pivot(index="task", columns="class", values="removal_probability").to_numpy()
    assert (drawn == data.removal_probabilities(4).numpy()).all()  # to the last bit, though out of a table
    settings = dataclasses.replace(SMOKE.imbalanced, tasks=4)
    stream, _ = data.stream("imbalanced", settings, [digits], [17], CPU)  # whatever the seed
    for task, rows in table.groupby("task"):
        labels = stream.train.labels[stream.tasks[task - 1][0].train].tolist()
        assert rows.kept.tolist() == [labels.count(digit) for digit in range(10)]
    assert 0.25 < table.kept.sum() / 400 < 0.75
    assert json.loads(out.with_suffix(".json").read_text())["stage"] == "imbalance"
