"""Accuracies, transfers and logs come out of the collected tables as they were put in; other tables are refused."""

from __future__ import annotations

import math

import pandas
import pytest

from common.results import records
from common.results.readers import read
from common.results.tables import write
from papers.dhp import conditions, results
from papers.dhp.conditions import BENCHMARK_LABELS, LABELS, TASKS
from papers.dhp.protocol import BENCHMARKS, DHP, METHODS
from papers.dhp.results import READERS
from papers.dhp.runs import REGISTER
from tests.papers.dhp.constructed import RECORD, benchmark, eta, everything, given, plasticity, runs, table, tuned

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


def test_measures_take_the_matrix_apart():
    tables = given({"split": TABLE})
    assert results.so_far(tables, "split", "ewc").loc[1].tolist() == pytest.approx([90, 75, 60])
    assert results.accuracy(tables, "split", "ewc", 3) == pytest.approx({0: 59, 1: 60})
    assert results.accuracy(tables, "split", "ewc", 4) == results.accuracy(tables, "split", "mas", 3) == {}
    # ((0.4 - 0.9) + (0.6 - 0.8)) / 2, the same for each seed
    assert results.transfer(tables, "split", "ewc", 3) == pytest.approx({0: -35, 1: -35})
    assert results.transfer(tables, "split", "mas", 3) == results.transfer(given({}), "split", "ewc", 3) == {}
    assert results.transfer(given({"split": table(runs("ewc", [[0.9]]))}), "split", "ewc", 1) == {}
    few = TABLE[~((TABLE["after_task"] == 1) & (TABLE["task"] == 3))]
    with pytest.raises(ValueError, match="each of 3 tasks must be evaluated after each"):
        results.transfer(given({"split": few}), "split", "ewc", 3)


@pytest.mark.parametrize("seeds", [[1], [0, 1]])
def test_a_run_that_diverged_counts_in_the_tasks_that_it_finished_alone(tmp_path, seeds):
    """One of two, or both: then nothing is left of what comes after all tasks."""
    write(path := tmp_path / "split.csv", given({"split": TABLE}, diverged=[("split", "ewc", seeds)])["split"])
    tables = given({"split": results.READERS["split"].read(path)})
    assert results.so_far(tables, "split", "ewc")[1].notna().sum() == 2
    accuracies = [set(results.accuracy(tables, "split", "ewc", tasks)) for tasks in (1, 2, 3)]
    left = {0, 1} - set(seeds)
    assert accuracies == [{0, 1}, left, left] and set(results.transfer(tables, "split", "ewc", 3)) == left


def of_log(**to):
    return given({"plasticity": plasticity(seeds=1, **to)})


def test_the_log_of_eta():
    tables = of_log(peak=0.03, bump=0)
    assert results.largest_eta_in_task1(tables)[0] == pytest.approx(0.03, abs=1e-4)
    assert results.task_of_largest_eta(tables)[0] in (2, 3)  # task 1 begins low
    # of 400 steps, looked at every ten: 1 + 29 (1 - exp(-s / 8)) exceeds 4 at s = 1, 20 at s = 11, and 50 never
    shares = [results.steps_until_eta_rose(tables, times)[0] for times in (4, 20, 50)]
    assert shares == pytest.approx([100 / 400, 1100 / 400, 100])
    rising = [results.tasks_with_rise_and_decay(log, range(4, 11)) for log in (tables, of_log())]
    assert rising == [{0: 0}, {0: 7}]


def test_the_logs_of_the_norms():
    tables = of_log(trace=-0.1, alpha=0.05)
    assert results.growths(tables, "hebb_norm") == {0: 0} and results.growths(tables, "alpha_norm") == {0: 9}
    grown = results.least_growth_within_tasks(tables, "alpha_norm")[0]
    assert grown == pytest.approx(100 * 0.05 / (0.37 + 9 * 0.05), rel=0.01)
    start, end = (6 * (1 - math.exp(-5 * task)) + 3 * task for task in (1, 10))
    assert results.largest_after_task1(of_log(trace=3), "hebb_norm")[0] == pytest.approx(end / start, rel=0.01)


def test_own_lambdas_take_the_place_of_the_published_ones():
    rows = benchmark("permuted", **tuned(offset=1))
    lost = [("permuted", "ewc", [0]), ("permuted", "mas-tuned", [2])]
    found = results.of_own_lambda(everything(permuted=rows, diverged=lost))
    assert [name for name in BENCHMARKS if name in found] == ["permuted"]
    assert set(found["permuted"]["condition"]) == set(METHODS)
    assert results.accuracy(found, "permuted", "mas")[1] == pytest.approx(89.52)
    assert results.accuracy(found, "permuted", DHP)[1] == pytest.approx(78.49)
    assert [set(found.diverged("permuted", condition=name)) for name in ("mas", "ewc")] == [{2}, set()]
    assert results.of_own_lambda(everything()).is_empty


def test_runs_as_in_the_public_benchmark_take_the_place_of_the_others():
    """Standardised pixels in all, importances of batches where one is estimated; the log of Figure 3 with them."""
    changes = {"finetune_standardised": (80, -0.2), "si_standardised": (84, -0.1), "ewc_standardised": (99, 0.0)}
    changes |= {"mas_batch": (99, 0.0), "dhp_mas_standardised_batch": (90, -0.05)}
    both = pandas.concat([plasticity(), plasticity(peak=0.01).assign(condition="dhp-standardised")], ignore_index=True)
    lost = [("permuted", "dhp-mas-standardised-batch", [1]), ("permuted", "dhp-mas", [2])]
    tables = everything(permuted=benchmark("permuted", **changes), plasticity=both, diverged=lost)
    found = results.of_public_benchmark(tables)
    assert set(found.scales) >= {"permuted"} and [name for name in READERS if name in found] == [
        "permuted",
        "plasticity",
    ]
    assert set(found["permuted"]["condition"]) == {"finetune", "si", "dhp-mas"}
    assert results.accuracy(found, "permuted", "finetune")[1] == pytest.approx(80)
    assert set(results.accuracy(found, "permuted", "dhp-mas")) == {0, 2}
    assert set(found.diverged("permuted", condition="dhp-mas")) == {1}
    largest = [results.largest_eta_in_task1(one)[1] for one in (tables, found)]
    assert largest == pytest.approx([0.0271, 0.0130], abs=2e-3) and largest[1] < largest[0]
    assert results.of_public_benchmark(everything()).is_empty


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("permuted", benchmark("permuted", tasks=2).assign(condition="lwf"), "unknown condition 'lwf'"),
        ("eta", benchmark("split", tasks=2), "has no column benchmark, eta"),
        ("eta", eta(tasks=2).assign(benchmark="omniglot"), "unknown benchmark 'omniglot'"),
        ("eta", eta(tasks=2).assign(eta=0.0), "must lie above 0"),
        (
            "plasticity",
            plasticity(tasks=1).assign(condition="dhp-si"),
            "Figure 3 is of dhp and dhp-standardised alone; found dhp-si",
        ),
        ("plasticity", plasticity(tasks=1).assign(seed=0), "a seed has a step twice"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, rows, message):
    write(path := tmp_path / f"{name}.csv", rows)
    records.write(path.with_suffix(".json"), {"paper": "dhp", "stage": "train", "parts": 1, **RECORD, "data": []})
    with pytest.raises(ValueError, match=message):
        read([path], results.READERS)
