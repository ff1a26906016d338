"""The numbers that the claims rest on: one value per seed, out of the collected tables by name.

Accuracies, and everything else that is a share, are in percent. Whatever was not run is empty, so that a claim about it
is "not run"; so is what was run with fewer tasks, or searched with fewer trials, than the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy
import pandas

from common import accuracies
from common.claims import difference
from common.collected import Tables
from papers.sticky_gradient import collected, conditions, distributions, searches
from papers.sticky_gradient.conditions import CONTROL, FULL, MEASURES, SEARCHED, TASKS, TRIALS

Runs = dict[int, float]

LEAD = 1.0  # points: what counts as a lead over the control


def accuracy(tables: Tables, condition: str, measure: str = "all", tasks: int = TASKS) -> Runs:
    """Return the accuracy after so many tasks, on "all" so far, on the "previous" ones or on the "newest"."""
    return _after(collected.table(tables, "accuracies"), condition, measure, tasks)


def margin(tables: Tables, a: str, b: str, measure: str = "all", tasks: int = TASKS) -> Runs:
    """Return the accuracy of condition a minus that of b, in points."""
    return difference(accuracy(tables, a, measure, tasks), accuracy(tables, b, measure, tasks))


def first_lasting_lead(tables: Tables, condition: str) -> Runs:
    """Return from how many tasks on a condition leads the control by a point at least; 11 if not even after ten."""
    leads = [margin(tables, condition, CONTROL, tasks=tasks) for tasks in range(1, TASKS + 1)]
    found = {}
    for seed in leads[-1]:
        behind = [tasks for tasks, lead in enumerate(leads, start=1) if lead[seed] < LEAD]
        found[seed] = max(behind, default=0) + 1
    return found


def shared_margins(tables: Tables) -> dict[float, Runs]:
    """Return the sticky gradient minus the control after ten tasks, in points, by fraction of shared pixels."""
    levels = conditions.levels(collected.table(tables, "accuracies"), collected.table(tables, "shared"))
    found = {
        level: difference(_after(rows, FULL, "all", TASKS), _after(rows, CONTROL, "all", TASKS))
        for level, rows in levels.items()
    }
    return {level: runs for level, runs in found.items() if runs}


def vanishing_benefit(tables: Tables) -> Runs:
    """Return the fraction of shared pixels at which the lead over the control is first gone, between levels linearly.

    It is 0 if there is no lead at all, and 1 if it is never gone. Empty unless there are levels above 0.
    """
    margins = shared_margins(tables)
    if len(margins) < 2:
        return {}
    seeds = set.intersection(*map(set, margins.values()))
    return {seed: _crossing({level: runs[seed] for level, runs in margins.items()}) for seed in sorted(seeds)}


def histograms(tables: Tables, condition: str, after: int = TASKS) -> dict[int, pandas.Series]:
    """Return how many weights lie in each bin of 0.01 after so many tasks."""
    counts = distributions.histograms(collected.table(tables, "weights"), condition, after)
    return {int(seed): row for seed, row in counts.iterrows()}


def of_weights(tables: Tables, condition: str, measure: Callable[[pandas.Series], float], after: int = TASKS) -> Runs:
    """Return a measure of the distribution of the weights; seeds for which it is not defined are left out."""
    found = {seed: float(measure(histogram)) for seed, histogram in histograms(tables, condition, after).items()}
    return {seed: value for seed, value in found.items() if math.isfinite(value)}


def nearest_mode(tables: Tables, value: float) -> Runs:
    """Return where the mode nearest to a value lies, of the sticky gradient's final weights."""
    return of_weights(tables, FULL, lambda histogram: distributions.nearest_mode(histogram, value))


def best_searches(tables: Tables) -> pandas.DataFrame:
    """Return, for each seed, the search whose best trial is the best under any reading (`searches.best`).

    Of each search the first thirty trials count; one with fewer is left out.
    """
    trials = collected.table(tables, "search")
    found = searches.found(trials[trials["trial"] < TRIALS])
    return searches.best(found[found["trials"] == TRIALS])


def searched_value(tables: Tables, name: str) -> Runs:
    """Return a hyperparameter of the best trial, by the seed of the search."""
    best = best_searches(tables)
    return dict(zip(best["seed"], best[name].astype(float), strict=True))


def searched_accuracy(tables: Tables, name: str) -> Runs:
    """Return an objective (its best trial's, "published" or "control") as eq. 2 without its division by ten tasks.

    That is the weighted mean accuracy on held-out images, in percent.
    """
    return {seed: 100 * TASKS * value for seed, value in searched_value(tables, name).items() if math.isfinite(value)}


def published(tables: Tables) -> Mapping[str, float]:
    """Return the hyperparameters of Table 1 as the search evaluated them (trial -1); empty if it did not."""
    rows = collected.table(tables, "search")
    rows = rows.loc[rows["trial"] == searches.PUBLISHED, list(searches.HYPERPARAMETERS)]
    return rows.iloc[0].astype(float).to_dict() if len(rows) else {}


def of_own_search(tables: Tables) -> dict[str, pandas.DataFrame]:
    """Return the accuracies under the hyperparameters of our own search, in the place of those under Table 1's.

    Conditions without hyperparameters (the control, EWC) stay; nothing is left if no condition was trained so.
    """
    found = {
        name: accuracies.without_suffix(collected.table(tables, name), SEARCHED, others=(CONTROL, conditions.EWC))
        for name in ("accuracies", "shared")
    }
    return {name: table for name, table in found.items() if not table.empty}


def _after(results: pandas.DataFrame, condition: str, measure: str, tasks: int) -> Runs:
    runs = conditions.after(MEASURES[measure](results, condition), tasks)
    return {seed: 100 * value for seed, value in runs.items()}


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
