"""Accuracies, transfers and logs come out of the collected tables as they were put in; other tables are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results.readers import read
from common.results.tables import write
from papers.dhp import conditions, results
from papers.dhp.conditions import BENCHMARK_LABELS, LABELS, TASKS
from papers.dhp.protocol import BENCHMARKS, DHP, FINETUNE, METHODS
from papers.dhp.runs import REGISTER
from tests.papers.dhp.constructed import (
    REPORTED,
    benchmark,
    eta,
    everything,
    given,
    imbalance,
    lost,
    plasticity,
    runs,
    table,
    tuned,
    until_diverged,
)

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = table(runs("ewc", MATRIX, seeds=2, spread=0.01))


def test_every_method_and_benchmark_has_a_label_a_colour_and_a_reader():
    assert list(LABELS) == list(conditions.COLORS) == list(METHODS)
    assert len(set(LABELS.values())) == len(set(conditions.COLORS.values())) == len(METHODS)
    assert conditions.look("dhp-mas-tuned") == {"color": conditions.COLORS["dhp-mas"], "linestyle": "-"}
    assert conditions.look("mas")["linestyle"] == "--"
    assert tuple(BENCHMARK_LABELS) == tuple(TASKS) == BENCHMARKS
    artifacts = (*REGISTER.artifacts.values(), REGISTER.comparison)
    assert {name for artifact in artifacts for name in artifact.tables} == set(results.READERS)


def test_names_are_those_of_the_reported_numbers():
    rows = REPORTED[~REPORTED["artifact"].isin(["protocol", "code"])]
    assert set(rows["method"].str.split(" - ").explode()) == set(LABELS.values())
    assert set(rows["setting"].str.split(";").str[0]) == set(BENCHMARK_LABELS.values())
    tasks = rows.dropna(subset="x").groupby("setting")["x"].max()
    assert {name: tasks[label] for name, label in BENCHMARK_LABELS.items()} == TASKS


def test_measures_take_the_matrix_apart():
    tables = given({"split": TABLE})
    assert results.so_far(tables, "split", "ewc").loc[1].tolist() == pytest.approx([90, 75, 60])
    assert results.accuracy(tables, "split", "ewc", 3) == pytest.approx({0: 59, 1: 60})
    assert results.accuracy(tables, "split", "ewc", 4) == results.accuracy(tables, "split", "mas", 3) == {}
    # ((0.4 - 0.9) + (0.6 - 0.8)) / 2, the same for each seed
    assert results.transfer(tables, "split", "ewc", 3) == pytest.approx({0: -35, 1: -35})
    assert results.transfer(tables, "split", "mas", 3) == results.transfer(given({}), "split", "ewc", 3) == {}
    assert results.transfer(given({"split": table(runs("ewc", [[0.9]]))}), "split", "ewc", 1) == {}


def test_a_matrix_with_gaps_has_no_transfer():
    few = TABLE[~((TABLE["after_task"] == 1) & (TABLE["task"] == 3))]
    with pytest.raises(ValueError, match="each of 3 tasks must be evaluated after each"):
        results.transfer(given({"split": few}), "split", "ewc", 3)


@pytest.mark.parametrize("seeds", [[1], [0, 1]])
def test_a_run_that_diverged_counts_in_the_tasks_that_it_finished_alone(tmp_path, seeds):
    """One of two, or both: then nothing is left of what comes after all tasks."""
    write(path := tmp_path / "split.csv", until_diverged(TABLE, "ewc", seeds))
    tables = given({"split": results.read_accuracies(path)})
    so_far = results.so_far(tables, "split", "ewc")
    assert so_far[1].notna().sum() == 2
    left = set(range(2)) - set(seeds)
    assert set(results.accuracy(tables, "split", "ewc", 1)) == {0, 1}
    assert set(results.accuracy(tables, "split", "ewc", 2)) == set(results.accuracy(tables, "split", "ewc", 3)) == left
    assert set(results.transfer(tables, "split", "ewc", 3)) == left


def test_what_has_fewer_tasks_is_not_run():
    tables = given({"split": benchmark("split", tasks=3), "plasticity": plasticity(tasks=3), "eta": eta(tasks=3)})
    assert results.accuracy(tables, "split", DHP) == results.transfer(tables, "split", DHP) == {}
    assert results.accuracy(tables, "split", DHP, 3) != {} != results.transfer(tables, "split", DHP, 3)
    assert results.logs(tables) == {}
    assert set(map(len, results.swept(tables, "split").values())) == {0}


def test_differences_are_paired_by_seed():
    rows = pandas.concat([benchmark("split", seeds=3), benchmark("split", seeds=5, **{DHP: None})])
    tables = given({"split": rows.drop_duplicates(["condition", "seed", "after_task", "task"])})
    assert set(results.accuracy(tables, "split", FINETUNE)) == set(range(5))
    assert results.gain(tables, "split", DHP, FINETUNE) == pytest.approx(dict.fromkeys(range(3), 7.8), abs=0.02)
    assert results.transfer_gain(tables, "split", DHP, FINETUNE)[0] == pytest.approx(9.9, abs=0.1)


def test_the_log_of_eta():
    tables = given({"plasticity": plasticity(seeds=1, peak=0.03, bump=0)})
    assert results.largest_eta_in_task1(tables)[0] == pytest.approx(0.03, abs=1e-4)
    assert results.task_of_largest_eta(tables)[0] in (2, 3)  # task 1 begins low
    # 1 - exp(-s / 8) > 4 / 29 from the second look on, at step 11 of 400
    assert results.steps_until_eta_rose(tables, times=5) == {0: pytest.approx(100 * 11 / 400)}
    assert results.steps_until_eta_rose(tables, times=50) == {0: 100}
    assert results.tasks_with_rise_and_decay(tables, range(4, 11)) == {0: 0}
    bumpy = given({"plasticity": plasticity(seeds=1)})
    assert results.tasks_with_rise_and_decay(bumpy, range(4, 11)) == {0: 7}


def test_the_logs_of_the_norms():
    tables = given({"plasticity": plasticity(seeds=1, trace=-0.1, alpha=0.05)})
    assert results.growths(tables, "hebb_norm") == {0: 0}
    assert results.growths(tables, "alpha_norm") == {0: 9}
    grown = results.least_growth_within_tasks(tables, "alpha_norm")[0]
    assert grown == pytest.approx(100 * 0.05 / (0.37 + 9 * 0.05 - 0.001), rel=0.01)
    doubled = given({"plasticity": plasticity(seeds=1, trace=3)})
    start, end = (6 * (1 - numpy.exp(-5)) + 3 * task + 0.0 for task in (1, 10))
    assert results.largest_after_task1(doubled, "hebb_norm")[0] == pytest.approx(end / start, rel=0.01)


def test_own_lambdas_take_the_place_of_the_published_ones():
    runs = lost("permuted", "ewc", [0]) + lost("permuted", "mas-tuned", [2])
    found = results.of_own_lambda(everything(permuted=benchmark("permuted", **tuned(offset=1)), diverged=runs))
    assert [name for name in BENCHMARKS if name in found] == ["permuted"]
    assert set(found["permuted"]["condition"]) == set(METHODS)
    assert results.accuracy(found, "permuted", "mas")[1] == pytest.approx(89.52)
    assert results.accuracy(found, "permuted", DHP)[1] == pytest.approx(78.49)
    assert [set(found.diverged("permuted", condition=name)) for name in ("mas", "ewc")] == [{2}, set()]
    assert results.of_own_lambda(everything()).is_empty


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
    write(path := tmp_path / f"{name}.csv", rows)
    with pytest.raises(ValueError, match=message):
        read([path], results.READERS)
