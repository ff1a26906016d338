"""Readings and conditions: their names, which choices touch which condition, and what is collected of each reading."""

from __future__ import annotations

from itertools import combinations

import pandas
import pytest
import torch

from common.results import records
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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unit", "unknown reading 'unit'"),
        ("unit-gradient", "unknown reading 'unit-gradient'"),
        ("raw-gradient-sum", "unknown reading 'raw-gradient-sum'"),
        ("unit-gradient-sum-often", "unknown reading 'unit-gradient-sum-often'"),
        ("unit-gradient-sum-online-public", "do not contradict each other"),
        ("unit-gradient-sum-fanout-alike", "leave out 'alike'"),
        ("unit-step-sum-outside", "'outside' says where L1 stands"),
        ("unit-gradient-none-outside", "'outside' says where L1 stands"),
    ],
)
def test_a_reading_that_does_not_exist_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        reading(name)
    with pytest.raises(protocols.ProtocolError, match=message):
        REGISTER.protocol("smoke", [f"design.readings=[{name}]"])  # before any work


@pytest.mark.parametrize("condition", [CONTROL, EWC, FULL])
@pytest.mark.parametrize("name", [*COMPARED, *OPTIONAL])
def test_choices_that_are_left_out_change_nothing_in_a_run(name, condition):
    """The same initial weights, pixels and rule: all that a reading decides."""
    assert reading(name_of(reading(name))) == reading(name)
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


def test_each_run_becomes_one_row(tmp_path, monkeypatch):
    """Two seeds of the full method in jobs of their own, and one of the control."""
    accuracies, weights, paths = constructed.permuted(), constructed.weights(), []
    for condition, seed in ((FULL, 0), (FULL, 1), (CONTROL, 0)):
        record = {"paper": "sticky_gradient", "stage": "train", "scale": "paper", "seeds": [seed], "data": []}
        record |= {"device": "cpu", "versions": {}, "git": {}, "protocol": {}, "protocol_digest": "a"}
        record |= {"wall_seconds": 1, "cpu_seconds": 1, "measured": {"reading": "unit-gradient-mean"}}
        chosen, name = f"condition == '{condition}' and seed == {seed}", f"{condition}_{seed}"
        paths.append(constructed.write(tmp_path, name, accuracies.query(chosen), record))
        constructed.write(tmp_path, f"weights_{name}", weights.query(chosen), record)
    monkeypatch.setattr("sys.argv", ["", "--out", str(tmp_path / "readings.csv"), *map(str, paths)])
    collect_readings.main()
    record = records.read(tmp_path / "readings.json")
    assert (record["scale"], record["seeds"], record["parts"]) == ("paper", [0, 1], 3)
    table = results.READERS["readings"].read(tmp_path / "readings.csv")
    assert table["seed"].tolist() == [0, 1, 0] and set(table["reading"]) == {"unit-gradient-mean"}
    learned, loss = constructed.LEARNED[FULL]
    previous = [100 * (learned - loss * (10 - task)) for task in range(1, 10)]
    assert table.loc[1, "newest"] == pytest.approx(100 * learned) and table.loc[1, "tasks"] == 10
    assert table.loc[1, "previous"] == pytest.approx(sum(previous) / 9)
    assert table.loc[1, "all"] == pytest.approx((sum(previous) + 100 * learned) / 10)
    assert table.loc[1, [*MODES]].tolist() == pytest.approx([-0.06, 0.002, 0.279], abs=0.003)
    assert table.loc[1, "trapped"] == pytest.approx(1.0, abs=0.05)
    assert table.loc[2, ["trapped", *MODES]].isna().all()  # of the full method alone
    with pytest.raises(ValueError, match="two rows have the same reading, condition, seed"):
        results.READERS["readings"].read(constructed.write(tmp_path, "twice", pandas.concat([table, table])))
