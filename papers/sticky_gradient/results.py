"""The paper's collected tables: how each is read, and one value per seed out of them for figures, claims and verdicts.

Accuracies, and everything else that is a share, are in percent. Whatever was not run is empty, so that a claim about it
is "not run"; so is what was run with fewer tasks, or searched with fewer trials, than the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
import pandas

from common.results import accuracies
from common.results.claims import difference, side_by_side
from common.results.readers import Tables, plain
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
READERS = {
    "accuracies": accuracies.reader(LABELS),
    "ablation": accuracies.reader(LABELS),
    "shared": accuracies.reader(LABELS, "shared", between={"shared": (0, 1)}, positive=["shared"]),
    "weights": plain(distributions.COLUMNS, known={"condition": LABELS}, positive=["count"]),
    "trajectories": plain(["weight", "step", "task", "value"]),
    "search": plain(
        ["reading", "trial", "seed", *HYPERPARAMETERS, "objective"],
        optional=HYPERPARAMETERS,  # the control has none
        between={"objective": (0, 1)},
        unique=["reading", "seed", "trial"],
    ),
    "readings": plain(
        measures.SUMMARY_COLUMNS, optional=measures.OF_FULL_METHOD, unique=["reading", "condition", "seed"]
    ),
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
    own, control = (100 * accuracies.averages(results, name, "test") for name in (condition, CONTROL))
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
    runs = side_by_side(margins.values())
    return {seed: _crossing(list(margins), own) for seed, own in runs.items()}


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
    averages = accuracies.averages(of_all_conditions(tables), condition, "test")
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
    runs = accuracies.by_seed(MEASURES[measure](results, condition, "test"), tasks)
    return {seed: 100 * value for seed, value in runs.items()}


def _crossing(levels: list[float], margins: list[float]) -> float:
    """Return the level, of those in order, at which margins first reach 0 from above."""
    first = next((place for place, margin in enumerate(margins) if margin <= 0), None)
    if first is None:
        return 1.0
    if first == 0:
        return 0.0
    (low, high), (before, after) = levels[first - 1 : first + 1], margins[first - 1 : first + 1]
    return low + (high - low) * before / (before - after)
