"""Our value for each number that the paper reports."""

from __future__ import annotations

from common.results.readers import Tables
from papers.tsar import conditions, results


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our recall in % for a row of reported.csv, by seed; empty if not run, or for a figure not made yet."""
    if row["artifact"] != "fig1":
        return {}
    condition = next(name for name, label in conditions.LABELS.items() if label == row["method"])
    return results.recall(tables, condition, results.FIG1_SETS[row["panel"]], row["x"])
