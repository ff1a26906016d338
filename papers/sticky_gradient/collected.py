"""The paper's collected tables by name: how each is read."""

from __future__ import annotations

from functools import partial

import pandas

from common import accuracies, collected
from common.collected import Reader, Tables
from papers.sticky_gradient import conditions, distributions, searches, trials

READERS = {
    "accuracies": Reader(conditions.read, accuracies.COLUMNS),
    "ablation": Reader(conditions.read, accuracies.COLUMNS),
    "shared": Reader(conditions.read_shared, conditions.SHARED_COLUMNS),
    "weights": Reader(distributions.read, distributions.COLUMNS),
    "trajectories": collected.plain(["weight", "step", "task", "value"]),
    "search": Reader(searches.read, searches.COLUMNS),
    "readings": Reader(trials.read, trials.COLUMNS),
}

table = partial(collected.table, readers=READERS)


def of_all_conditions(tables: Tables) -> pandas.DataFrame:
    """Return the accuracies of Figures 2 and 3: of the main conditions, and of the ablation's other cells.

    What we keep, from before these were two tables, is all in "accuracies".
    """
    found = [table(tables, name) for name in ("accuracies", "ablation") if name in tables]
    return pandas.concat(found, ignore_index=True) if found else table(tables, "accuracies")
