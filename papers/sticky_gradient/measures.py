"""What is measured of a run: its accuracies, task by task, and at the end where the weights of the full method lie."""

from __future__ import annotations

import pandas

from common.results import accuracies
from papers.sticky_gradient import distributions
from papers.sticky_gradient.readings import FULL


def previous(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the mean accuracy over all tasks so far but the newest: as `accuracies.averages`, from two tasks on."""
    table = accuracies.matrices(results, condition, split)
    earlier = table.loc[:, [task < after for after, task in table.columns]]
    return earlier.T.groupby(level="after_task").mean().T


MEASURES = {"all": accuracies.averages, "previous": previous, "newest": accuracies.newest}  # Figure 2: a, b, c
MODES = dict(zip(("inhibitory", "zero", "attractor"), distributions.MODES, strict=True))
# Of one run after its last task, in %: the three measures of accuracy. Of the full method also the share of weights near
# the attractor (in %), and the modes nearest to the paper's three (nan if there is none).
OF_FULL_METHOD = ["trapped", *MODES]
SUMMARY_COLUMNS = ["reading", "condition", "seed", "tasks", *MEASURES, *OF_FULL_METHOD]


def summary(results: pandas.DataFrame, weights: pandas.DataFrame, reading: str) -> list[dict]:
    """Return one row per seed of the one condition that the tables hold.

    results, weights: the accuracies and distributions that training wrote; reading: the name of the one it was under.
    """
    (condition,) = set(results["condition"])
    measured = {name: measure(results, condition, "test") for name, measure in MEASURES.items()}
    tasks = int(max(measured["all"].columns))
    histograms = distributions.histograms(weights, condition, tasks)
    rows = []
    for seed in measured["all"].index:
        row = {"reading": reading, "condition": condition, "seed": seed, "tasks": tasks}
        row |= {name: 100 * table.loc[seed, tasks] for name, table in measured.items()}
        rows.append(row | (_near(histograms.loc[seed]) if condition == FULL else {}))
    return rows


def _near(histogram: pandas.Series) -> dict[str, float]:
    trapped = 100 * distributions.share(histogram, distributions.MODES[-1])
    return {"trapped": trapped} | {name: distributions.nearest_mode(histogram, mode) for name, mode in MODES.items()}
