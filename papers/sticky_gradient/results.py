"""The paper's collected tables: how each is read, and one value per seed out of them for figures, claims and verdicts.

Accuracies, and everything else that is a share, are in percent. Whatever was not run is empty, so that a claim about it
is "not run"; so is what was run with fewer tasks, or searched with fewer trials, than the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pandas

from common.results import accuracies, readers
from common.results import tables as table_files
from common.results.claims import difference
from common.results.readers import Reader, Tables
from papers.sticky_gradient import distributions, measures
from papers.sticky_gradient.conditions import LABELS
from papers.sticky_gradient.measures import MEASURES
from papers.sticky_gradient.protocol import HYPERPARAMETERS, NO_METHOD, PUBLISHED
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED

Runs = dict[int, float]

TASKS, TRIALS = 10, 30  # of the paper; a scale may have fewer
LEAD = 1.0  # points: what counts as a lead over the control
VARIES = "not the same in all runs"
QUANTITIES = {  # what reported.csv calls the measures
    "average accuracy over all tasks so far": "all",
    "average accuracy over all tasks so far but the newest": "previous",
    "accuracy on the newest task": "newest",
}
SHARED_COLUMNS = [*accuracies.COLUMNS, "shared"]
SEARCH_COLUMNS = ["reading", "trial", "seed", *HYPERPARAMETERS, "objective"]


def read_accuracies(path: str | Path) -> pandas.DataFrame:
    """Return a collected table of accuracies. Raises ValueError if it is not one, or has unknown conditions."""
    return accuracies.read(path, LABELS)


def read_shared(path: str | Path) -> pandas.DataFrame:
    """Return the accuracies with a column `shared`, the fraction of pixels left in place. Raises ValueError as above."""
    table = accuracies.read(path, LABELS, SHARED_COLUMNS)
    if not (table["shared"].gt(0) & table["shared"].le(1)).all():
        raise ValueError(f"{path}: shared must lie above 0 and not above 1; run the training stage again")
    return table


def read_weights(path: str | Path) -> pandas.DataFrame:
    """Return the collected histograms of weights. Raises ValueError if the table holds anything else."""
    table = table_files.read(path, distributions.COLUMNS)
    if unknown := sorted(set(table["condition"]) - set(LABELS)):
        raise ValueError(f"{path}: unknown condition {', '.join(map(repr, unknown))}; known are {', '.join(LABELS)}")
    if not (table["count"] > 0).all():
        raise ValueError(f"{path}: count must be positive; run the training stage again")
    return table


def read_search(path: str | Path) -> pandas.DataFrame:
    """Return the collected trials of all searches. Raises ValueError if they are none, or one is there twice."""
    table = table_files.read(path, SEARCH_COLUMNS)
    if not table["objective"].between(0, 1).all():
        raise ValueError(f"{path}: objective must lie between 0 and 1; run the search again")
    twice = table[table.duplicated(["reading", "seed", "trial"])]
    if not twice.empty:
        raise ValueError(f"{path}: trials of {', '.join(sorted(set(twice['reading'])))} are there twice; collect once")
    return table


def read_readings(path: str | Path) -> pandas.DataFrame:
    """Return the runs under each reading. Raises ValueError if the table holds anything else, or a run twice."""
    table = table_files.read(path, measures.SUMMARY_COLUMNS)
    if table.duplicated(["reading", "condition", "seed"]).any():
        raise ValueError(f"{path}: runs are there twice; collect each once")
    return table


READERS = {
    "accuracies": Reader(read_accuracies, accuracies.COLUMNS),
    "ablation": Reader(read_accuracies, accuracies.COLUMNS),
    "shared": Reader(read_shared, SHARED_COLUMNS),
    "weights": Reader(read_weights, distributions.COLUMNS),
    "trajectories": readers.plain(["weight", "step", "task", "value"]),
    "search": Reader(read_search, SEARCH_COLUMNS),
    "readings": Reader(read_readings, measures.SUMMARY_COLUMNS),
}


def of_all_conditions(tables: Tables) -> pandas.DataFrame:
    """Return the accuracies of Figures 2 and 3: of the main conditions, and of the ablation's other cells.

    What we keep, from before these were two tables, is all in "accuracies".
    """
    run = [tables[name] for name in ("accuracies", "ablation") if name in tables]
    return pandas.concat(run, ignore_index=True) if run else tables["accuracies"]


def of_own_search(tables: Tables) -> Tables:
    """Return the accuracies under the hyperparameters of our own search, in the place of those under Table 1's.

    Conditions without hyperparameters (the control, EWC) stay; nothing is left if no condition was trained so.
    """
    names = [name for name in ("accuracies", "ablation", "shared") if name in tables]
    run = {name: accuracies.without_suffix(tables[name], SEARCHED, others=(CONTROL, EWC)) for name in names}
    return tables.only({name: table for name, table in run.items() if not table.empty})


def accuracy(tables: Tables, condition: str, measure: str = "all", tasks: int = TASKS) -> Runs:
    """Return the accuracy after so many tasks, on "all" so far, on the "previous" ones or on the "newest"."""
    return _after(of_all_conditions(tables), condition, measure, tasks)


def margin(tables: Tables, a: str, b: str, measure: str = "all", tasks: int = TASKS) -> Runs:
    """Return the accuracy of condition a minus that of b, in points."""
    return difference(accuracy(tables, a, measure, tasks), accuracy(tables, b, measure, tasks))


def first_lasting_lead(tables: Tables, condition: str) -> Runs:
    """Return from how many tasks on a condition leads the control by a point at least; 11 if not even after ten."""
    results = of_all_conditions(tables)
    own, control = (100 * measures.so_far(results, name) for name in (condition, CONTROL))
    leads = (own - control).dropna()
    if TASKS not in leads.columns:
        return {}
    return {int(seed): max(lead.index[lead < LEAD], default=0) + 1 for seed, lead in leads.iterrows()}


def levels(tables: Tables) -> dict[float, pandas.DataFrame]:
    """Return the accuracies at each fraction of shared pixels, from 0 on (that of the other experiments) upwards."""
    by_level = {0.0: tables["accuracies"]} | {level: rows for level, rows in tables["shared"].groupby("shared")}
    return {level: rows for level, rows in sorted(by_level.items()) if not rows.empty}


def shared_margins(tables: Tables) -> dict[float, Runs]:
    """Return the sticky gradient minus the control after ten tasks, in points, by fraction of shared pixels."""
    margins = {
        level: difference(_after(rows, FULL, "all", TASKS), _after(rows, CONTROL, "all", TASKS))
        for level, rows in levels(tables).items()
    }
    return {level: runs for level, runs in margins.items() if runs}


def vanishing_benefit(tables: Tables) -> Runs:
    """Return the fraction of shared pixels at which the lead over the control is first gone, between levels linearly.

    It is 0 if there is no lead at all, and 1 if it is never gone. Empty unless there are levels above 0.
    """
    margins = shared_margins(tables)
    if len(margins) < 2:
        return {}
    seeds = set.intersection(*map(set, margins.values()))
    return {seed: _crossing({level: runs[seed] for level, runs in margins.items()}) for seed in sorted(seeds)}


def final_histograms(tables: Tables, condition: str) -> pandas.DataFrame:
    """Return the histograms of the weights after the last task that was run: one row per seed, one column per bin."""
    weights = tables["weights"]
    return distributions.histograms(weights, condition, distributions.tasks(weights))


def of_weights(tables: Tables, condition: str, measure: Callable[[pandas.Series], float], after: int = TASKS) -> Runs:
    """Return a measure of the histogram after so many tasks; seeds for which it is not defined are left out."""
    counts = distributions.histograms(tables["weights"], condition, after)
    runs = {int(seed): float(measure(histogram)) for seed, histogram in counts.iterrows()}
    return {seed: value for seed, value in runs.items() if math.isfinite(value)}


def nearest_mode(tables: Tables, value: float) -> Runs:
    """Return where the mode nearest to a value lies, of the sticky gradient's final weights."""
    return of_weights(tables, FULL, lambda histogram: distributions.nearest_mode(histogram, value))


def weighted_accuracy(tables: Tables, condition: str) -> Runs:
    """Return eq. 2 without its division by the number of tasks: mean accuracies so far, weighted by log j."""
    averages = measures.so_far(of_all_conditions(tables), condition)
    if TASKS not in averages.columns:
        return {}
    weights = numpy.log(averages.columns.to_numpy(float))
    return (100 * averages.mul(weights).sum(axis=1) / weights.sum()).to_dict()


def best_trials(trials: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per search, which is what one seed tried under one reading: its best trial, by its objective.

    Columns `trials` (how many), `published` and `control` say more: the latter two are the objectives of Table 1's values
    and of the control under the same reading and seed, nan where they were not evaluated. An objective is eq. 2: the
    weighted mean accuracy on held-out images, divided by the number of tasks.
    """
    rows = []
    for (reading, seed), search in trials.groupby(["reading", "seed"], sort=False):
        tried = search[search["trial"] >= 0]
        if tried.empty:
            continue
        objectives = search.set_index("trial")["objective"]
        best = tried.loc[tried["objective"].idxmax()].to_dict()
        beside = {"published": objectives.get(PUBLISHED), "control": objectives.get(NO_METHOD)}
        rows.append(best | beside | {"reading": reading, "seed": seed, "trials": len(tried)})
    columns = ["reading", "seed", *HYPERPARAMETERS, "objective", "published", "control", "trials"]
    return pandas.DataFrame(rows, columns=columns)


def searched_value(tables: Tables, name: str) -> Runs:
    """Return a hyperparameter of the best trial under the reading of all figures, by the seed of the search.

    The first thirty trials count; a search with fewer is left out.
    """
    trials = tables["search"]
    best = best_trials(trials[(trials["trial"] < TRIALS) & (trials["reading"] == tables.settings.design.reading)])
    whole = best[best["trials"] == TRIALS]
    return dict(zip(whole["seed"], whole[name].astype(float), strict=True))


def settings_of_runs(tables: Tables, name: str, section: str) -> dict[str, Any]:
    """Return a section of the protocol that a table's runs had; empty if they did not all have the same protocol.

    Raises ValueError if the table was not run, or its record has no such section.
    """
    if name not in tables.records:
        raise ValueError(f"no {name}.csv was given: its record tells our settings")
    if "protocol" not in tables.records[name]:
        return {}
    if section not in tables.records[name]["protocol"]:
        raise ValueError(f"the protocol in {name}.json has no section {section!r}: run its stage again")
    return tables.records[name]["protocol"][section]


def _after(results: pandas.DataFrame, condition: str, measure: str, tasks: int) -> Runs:
    return {seed: 100 * value for seed, value in measures.after(MEASURES[measure](results, condition), tasks).items()}


def _crossing(margins: dict[float, float]) -> float:
    """Return where margins (by level, in order) first reach 0 from above."""
    levels, values = numpy.array(list(margins)), numpy.array(list(margins.values()))
    gone = numpy.flatnonzero(values <= 0)
    if not len(gone):
        return 1.0
    if gone[0] == 0:
        return 0.0
    a, b = gone[0] - 1, gone[0]
    return float(levels[a] + (levels[b] - levels[a]) * values[a] / (values[a] - values[b]))
