"""The numbers that the claims rest on: one value per seed, out of the collected tables by name.

Accuracies, and everything else that is a share, are in percent. Whatever was not run is empty, so that a claim about it
is "not run"; so is what was run with fewer tasks, or searched with fewer trials, than the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy
import pandas

from common import accuracies, protocol
from common.claims import difference
from common.collected import Tables
from papers.sticky_gradient import collected, conditions, distributions, searches
from papers.sticky_gradient.conditions import CONTROL, FULL, MEASURES, SEARCHED, TASKS, TRIALS
from papers.sticky_gradient.protocol import PROTOCOL, Protocol

Runs = dict[int, float]

LEAD = 1.0  # points: what counts as a lead over the control


def accuracy(tables: Tables, condition: str, measure: str = "all", tasks: int = TASKS) -> Runs:
    """Return the accuracy after so many tasks, on "all" so far, on the "previous" ones or on the "newest"."""
    return _after(collected.of_all_conditions(tables), condition, measure, tasks)


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


def weighted_accuracy(tables: Tables, condition: str) -> Runs:
    """Return eq. 2 without its division by the number of tasks: mean accuracies so far, weighted by log j."""
    averages = conditions.so_far(collected.of_all_conditions(tables), condition)
    if TASKS not in averages.columns:
        return {}
    weights = numpy.log(averages.columns.to_numpy(float))
    return (100 * averages.mul(weights).sum(axis=1) / weights.sum()).to_dict()


def searched_value(tables: Tables, name: str) -> Runs:
    """Return a hyperparameter of the best trial under the reading of all figures, by the seed of the search.

    The first thirty trials count; a search with fewer is left out.
    """
    trials = collected.table(tables, "search")
    reading = protocol_of_paper().design.reading
    found = searches.found(trials[(trials["trial"] < TRIALS) & (trials["reading"] == reading)])
    whole = found[found["trials"] == TRIALS]
    return dict(zip(whole["seed"], whole[name].astype(float), strict=True))


def protocol_of_paper() -> Protocol:
    """Return the settings of paper scale: Table 1, and the reading of all figures."""
    return protocol.read(PROTOCOL, Protocol, "paper")


def of_own_search(tables: Tables) -> dict[str, pandas.DataFrame]:
    """Return the accuracies under the hyperparameters of our own search, in the place of those under Table 1's.

    Conditions without hyperparameters (the control, EWC) stay; nothing is left if no condition was trained so.
    """
    found = {
        name: accuracies.without_suffix(collected.table(tables, name), SEARCHED, others=(CONTROL, conditions.EWC))
        for name in ("accuracies", "ablation", "shared")
        if name in tables
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
