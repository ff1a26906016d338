"""Accuracies, transfers and logs come out of the collected tables as they were put in; other tables are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results.tables import read
from papers.dhp import collected, conditions, evidence
from papers.dhp.conditions import BENCHMARKS, DHP, FINETUNE, LABELS, METHODS, TASKS, WITH_DHP
from papers.dhp.method import condition
from papers.dhp.runs import BENCHMARKS as TRAINED
from papers.dhp.runs import NEEDS, SWEPT
from papers.dhp.runs import TABLES as COMPARED
from tests.papers.dhp.constructed import (
    REPORTED,
    benchmark,
    eta,
    everything,
    imbalance,
    plasticity,
    runs,
    table,
    tuned,
    write,
)

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = table(runs("ewc", MATRIX, seeds=2, spread=0.01))


def test_labels_cover_all_conditions_that_can_be_trained():
    assert len(set(LABELS.values())) == len(LABELS) == 8 + 6 + 4 + 4 + 16 + 8 + 8
    assert METHODS == ("finetune", "dhp", "si", "dhp-si", "ewc", "dhp-ewc", "mas", "dhp-mas")
    for name in LABELS:
        assert condition(name).tuned == name.endswith("-tuned")
        assert (condition(name).consolidation is not None) == conditions.is_consolidating(name)
    assert set(COMPARED) | {"update"} == set(collected.READERS)
    assert {name for names in NEEDS.values() for name in names} <= set(collected.READERS)
    assert set(TRAINED) == set(BENCHMARKS) == set(TASKS) and set(SWEPT) < set(BENCHMARKS)


def test_names_are_those_of_the_reported_numbers():
    results = REPORTED[~REPORTED["artifact"].isin(["protocol", "code"])]
    assert set(results["method"].str.split(" - ").explode()) == {LABELS[name] for name in METHODS}
    assert set(results["setting"].str.split(";").str[0]) == set(BENCHMARKS.values())
    tasks = results.dropna(subset="x").groupby("setting")["x"].max()
    assert {name: tasks[label] for name, label in BENCHMARKS.items()} == TASKS


def test_measures_take_the_matrix_apart():
    assert conditions.so_far(TABLE, "ewc").loc[1].tolist() == pytest.approx([90, 75, 60])
    assert conditions.after(TABLE, "ewc", 3) == pytest.approx({0: 59, 1: 60})
    assert conditions.after(TABLE, "ewc", 4) == conditions.after(TABLE, "mas", 3) == {}
    # ((0.4 - 0.9) + (0.6 - 0.8)) / 2, the same for each seed
    assert conditions.transfers(TABLE, "ewc") == pytest.approx({0: -0.35, 1: -0.35})
    assert conditions.transfers(TABLE, "mas") == conditions.transfers(collected.table({}, "split"), "ewc") == {}
    assert conditions.transfers(table(runs("ewc", [[0.9]])), "ewc") == {}


def test_a_matrix_with_gaps_has_no_transfer():
    few = TABLE[~((TABLE["after_task"] == 1) & (TABLE["task"] == 3))]
    with pytest.raises(ValueError, match="each of 3 tasks must be evaluated after each"):
        conditions.transfers(few, "ewc")


def test_what_has_fewer_tasks_is_not_run():
    tables = {"split": benchmark("split", tasks=3), "plasticity": plasticity(tasks=3), "eta": eta(tasks=3)}
    assert evidence.accuracy(tables, "split", DHP) == evidence.transfer(tables, "split", DHP) == {}
    assert evidence.accuracy(tables, "split", DHP, 3) != {}
    assert evidence.logs(tables) == {}
    assert set(map(len, evidence.swept(tables, "split").values())) == {0}


def test_differences_are_paired_by_seed():
    tables = {"split": pandas.concat([benchmark("split", seeds=3), benchmark("split", seeds=5, **{DHP: None})])}
    tables["split"] = tables["split"].drop_duplicates(["condition", "seed", "after_task", "task"])
    assert set(evidence.accuracy(tables, "split", FINETUNE)) == set(range(5))
    assert evidence.gain(tables, "split", DHP, FINETUNE) == pytest.approx(dict.fromkeys(range(3), 7.8), abs=0.02)
    assert evidence.transfer_gain(tables, "split", DHP, FINETUNE)[0] == pytest.approx(9.9, abs=0.1)


def test_the_log_of_eta():
    tables = {"plasticity": plasticity(seeds=1, peak=0.03, bump=0)}
    assert evidence.largest_eta_in_task1(tables)[0] == pytest.approx(0.03, abs=1e-4)
    assert evidence.task_of_largest_eta(tables)[0] in (2, 3)  # task 1 begins low
    # 1 - exp(-s / 8) > 4 / 29 from the second look on, at step 11 of 400
    assert evidence.steps_until_eta_rose(tables, times=5) == {0: pytest.approx(100 * 11 / 400)}
    assert evidence.steps_until_eta_rose(tables, times=50) == {0: 100}
    assert evidence.tasks_with_rise_and_decay(tables, range(4, 11)) == {0: 0}
    bumpy = {"plasticity": plasticity(seeds=1)}
    assert evidence.tasks_with_rise_and_decay(bumpy, range(4, 11)) == {0: 7}


def test_the_logs_of_the_norms():
    tables = {"plasticity": plasticity(seeds=1, trace=-0.1, alpha=0.05)}
    assert evidence.growths(tables, "hebb_norm") == {0: 0}
    assert evidence.growths(tables, "alpha_norm") == {0: 9}
    grown = evidence.least_growth_within_tasks(tables, "alpha_norm")[0]
    assert grown == pytest.approx(100 * 0.05 / (0.37 + 9 * 0.05 - 0.001), rel=0.01)
    doubled = {"plasticity": plasticity(seeds=1, trace=3)}
    start, end = (6 * (1 - numpy.exp(-5)) + 3 * task + 0.0 for task in (1, 10))
    assert evidence.largest_after_task1(doubled, "hebb_norm")[0] == pytest.approx(end / start, rel=0.01)


def test_own_lambdas_take_the_place_of_the_published_ones():
    found = evidence.of_own_lambda(everything(permuted=benchmark("permuted", **tuned(offset=1))))
    assert list(found) == ["permuted"]
    assert set(found["permuted"]["condition"]) == set(METHODS)
    assert evidence.accuracy(found, "permuted", "mas")[1] == pytest.approx(89.52)
    assert evidence.accuracy(found, "permuted", DHP)[1] == pytest.approx(78.49)
    assert evidence.of_own_lambda(everything()) == {}


def test_baselines_have_their_counterparts():
    assert WITH_DHP == {"finetune": "dhp", "si": "dhp-si", "ewc": "dhp-ewc", "mas": "dhp-mas"}


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("permuted", benchmark("permuted", tasks=2).assign(condition="lwf"), "unknown condition 'lwf'"),
        ("eta", benchmark("split", tasks=2), "has no column benchmark, eta"),
        ("eta", eta(tasks=2).assign(benchmark="omniglot"), "unknown benchmark omniglot"),
        ("eta", eta(tasks=2).assign(eta=0.0), "must lie above 0"),
        ("plasticity", plasticity(tasks=1).drop(columns="eta"), "has no column eta"),
        ("plasticity", plasticity(tasks=1).assign(condition="dhp-si"), "Figure 3 is of dhp alone; found dhp-si"),
        ("plasticity", plasticity(tasks=1).assign(seed=0), "a seed has a step twice"),
        ("imbalance", imbalance().drop(columns="kept"), "has no column kept"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, rows, message):
    with pytest.raises(ValueError, match=message):
        read([write(tmp_path, name, rows)], collected.READERS)
