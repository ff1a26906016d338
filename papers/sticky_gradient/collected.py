"""The paper's collected tables by name: how each is read."""

from __future__ import annotations

from functools import partial

from common import accuracies, collected
from common.collected import Reader
from papers.sticky_gradient import conditions, distributions, searches, trials

READERS = {
    "accuracies": Reader(conditions.read, accuracies.COLUMNS),
    "shared": Reader(conditions.read_shared, conditions.SHARED_COLUMNS),
    "weights": Reader(distributions.read, distributions.COLUMNS),
    "trajectories": collected.plain(["weight", "step", "task", "value"]),
    "search": Reader(searches.read, searches.COLUMNS),
    "readings": Reader(trials.read, trials.COLUMNS),
}

table = partial(collected.table, readers=READERS)
