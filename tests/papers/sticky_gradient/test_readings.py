"""Readings and conditions: their names, which choices touch which condition, and what is collected of each reading."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
import torch

from common.running import protocols
from papers.sticky_gradient import collect_readings, results, train
from papers.sticky_gradient.measures import MODES
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, OPTIONS, PARTS, decisive, name_of, parts, reading
from papers.sticky_gradient.runs import REGISTER
from tests.papers.sticky_gradient import constructed
from tests.papers.sticky_gradient.small import PAPER, SMOKE

COMPARED = PAPER.design.compared
OPTIONAL = [f"unit-step-sum-{option}" for option in OPTIONS if option not in ("outside", "alike")]
OPTIONAL += ["unit-step-sum-library-public-alike"]


def test_conditions_are_parts_of_the_method():
    assert parts("control") == frozenset() and parts("ewc") == {"ewc"} and parts("sticky@searched") == {"sticky"}
    subsets = [frozenset(chosen) for count in range(4) for chosen in combinations(PARTS, count)]
    assert {parts(cell) for cell in CELLS} == set(subsets)
    for wrong in ("smart-sticky", "sticky-l2", "", "sticky-sticky", "control@searched", "@searched"):
        with pytest.raises(ValueError, match="unknown condition"):
            parts(wrong)


@pytest.mark.parametrize("name", COMPARED)
def test_a_name_says_all_of_a_reading(name):
    assert reading(name_of(reading(name))) == reading(name)


@pytest.mark.parametrize(
    "name",
    ["unit", "unit-gradient", "raw-gradient-sum", "unit-gradient-sum-often", "unit-gradient-sum-online-public"],
)
def test_a_reading_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match=f"unknown reading '{name}'"):
        reading(name)
    with pytest.raises(protocols.ProtocolError, match=f"unknown reading '{name}'"):
        REGISTER.protocol("smoke", [f"design.readings=[{name}]"])  # before any work


def test_an_option_that_would_say_nothing_is_refused():
    with pytest.raises(ValueError, match="leave out 'alike'"):
        reading("unit-gradient-sum-fanout-alike")
    assert reading("unit-gradient-sum-outside").outside
    for name in ("unit-step-sum-outside", "unit-gradient-none-outside"):
        with pytest.raises(ValueError, match="'outside' says where L1 stands"):
            reading(name)


@pytest.mark.parametrize("condition", [CONTROL, EWC, FULL])
@pytest.mark.parametrize("name", [*COMPARED, *OPTIONAL])
def test_choices_that_are_left_out_change_nothing_in_a_run(name, condition):
    """The same initial weights, pixels and rule: all that a reading decides."""
    made = []
    for choices in (reading(name), reading(decisive(name, condition))):
        learner = train.learner(SMOKE.training, condition, SMOKE.attractor, choices, [3], torch.device("cpu"))
        rule = learner.consolidation
        decided = {key: getattr(rule, key, None) for key in ("attracted", "l1", "acts", "strength", "_examples")}
        if condition == FULL:
            decided |= {"multiplied": rule.reading.multiplied, "outside": rule.reading.outside}
        made.append((learner.parameters, choices.inputs, type(rule), decided))
    (one, *rest), (other, *others) = made
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True)) and rest == others


def test_readings_that_differ_elsewhere_share_their_runs():
    assert decisive("centred-step-sum-biases", CONTROL) == "centred-gradient-none"
    assert decisive("centred-step-sum-fanout-public", EWC) == "centred-gradient-none-public"
    assert decisive("centred-step-sum-library-public-alike", EWC) == "centred-gradient-none-public"
    assert decisive("centred-step-sum-fanout-public-alike", EWC) == "centred-gradient-none-fanout-public-alike"
    assert decisive("centred-step-sum-library-online", EWC) == "centred-gradient-none-library-online"
    assert decisive("centred-gradient-sum-outside-fanout-public", FULL) == "centred-gradient-sum-outside"


# What is collected


def collected(tmp_path, monkeypatch, condition):
    """The rows that the stage makes of constructed runs, two seeds in jobs of their own."""
    paths = []
    for seed in (0, 1):
        record = {"paper": "sticky_gradient", "stage": "train", "scale": "paper", "seeds": [seed], "data": []}
        record |= {"device": "cpu", "versions": {}, "git": {}, "protocol": {}, "protocol_digest": "a"}
        record |= {"wall_seconds": 1, "cpu_seconds": 1, "measured": {"reading": "unit-gradient-mean"}}
        chosen = f"condition == '{condition}' and seed == {seed}"
        accuracies, weights = constructed.permuted(), constructed.weights()
        paths.append(constructed.write(tmp_path, f"seeds{seed}-{seed}", accuracies.query(chosen), record))
        constructed.write(tmp_path, f"weights_seeds{seed}-{seed}", weights.query(chosen), record)
    monkeypatch.setattr("sys.argv", ["", "--out", str(tmp_path / "readings.csv"), *map(str, paths)])
    collect_readings.main()
    record = json.loads((tmp_path / "readings.json").read_text())
    assert (record["scale"], record["seeds"], record["parts"]) == ("paper", [0, 1], 2)
    return results.read_readings(tmp_path / "readings.csv")


def test_a_run_becomes_one_row(tmp_path, monkeypatch):
    table = collected(tmp_path, monkeypatch, FULL)
    assert table["seed"].tolist() == [0, 1] and set(table["reading"]) == {"unit-gradient-mean"}
    learned, loss = constructed.LEARNED[FULL]
    previous = [100 * (learned - loss * (10 - task)) for task in range(1, 10)]
    assert table.loc[1, "newest"] == pytest.approx(100 * learned) and table.loc[1, "tasks"] == 10
    assert table.loc[1, "previous"] == pytest.approx(sum(previous) / 9)
    assert table.loc[1, "all"] == pytest.approx((sum(previous) + 100 * learned) / 10)
    assert table.loc[1, [*MODES]].tolist() == pytest.approx([-0.06, 0.002, 0.279], abs=0.003)
    assert table.loc[1, "trapped"] == pytest.approx(1.0, abs=0.05)


def test_modes_are_those_of_the_full_method_alone(tmp_path, monkeypatch):
    assert collected(tmp_path, monkeypatch, CONTROL)[["trapped", *MODES]].isna().all(axis=None)


def test_a_run_that_is_there_twice_is_refused(tmp_path, monkeypatch):
    rows = collected(tmp_path, monkeypatch, CONTROL)
    with pytest.raises(ValueError, match="collect each once"):
        results.read_readings(constructed.write(tmp_path, "twice", [*rows.to_dict("records")] * 2))
