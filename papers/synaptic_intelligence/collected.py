"""The paper's collected tables by name: how each is read."""

from __future__ import annotations

from functools import partial

from common import accuracies, collected
from common.collected import Reader
from papers.synaptic_intelligence import conditions, correlations

READERS = {
    **dict.fromkeys(conditions.CONDITIONS, Reader(conditions.read, accuracies.COLUMNS)),
    "correlations": Reader(correlations.read, correlations.COLUMNS),
    "theory": collected.plain(["claim", "quantity", "seed", "value"]),
}

table = partial(collected.table, readers=READERS)
