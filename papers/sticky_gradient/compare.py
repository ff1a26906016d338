"""Our value for each number that the paper reports.

Accuracies are compared twice where there are runs for it: under the hyperparameters of Table 1, and under those of our own
search.
"""

from __future__ import annotations

import pandas

from common.results.comparison import Alternative
from common.results.readers import Tables
from papers.sticky_gradient import results
from papers.sticky_gradient.claims import ON_ACCURACIES
from papers.sticky_gradient.conditions import LABELS
from papers.sticky_gradient.protocol import HYPERPARAMETERS

BASIS = "Table 1"
ALTERNATIVES = (Alternative("own search", results.of_own_search, ON_ACCURACIES),)
ELSEWHERE = {"sec3.4": ("weights",)}


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our value for a row of reported.csv, by seed; empty if not run, or if the tasks were fewer.

    Raises ValueError if the row names a quantity or a method that our tables cannot tell.
    """
    quantity, methods = row["quantity"], row["method"].split(" - ")
    names = [name for method in methods for name, label in LABELS.items() if label == method]
    if len(names) == len(methods):
        if quantity in results.QUANTITIES and len(names) == 2:
            return results.margin(tables, names[0], names[1], results.QUANTITIES[quantity], int(row["x"]))
        if quantity in HYPERPARAMETERS:
            return results.searched_value(tables, quantity)
        if quantity == "number of tasks from which the lead over the control lasts":
            return results.first_lasting_lead(tables, names[0])
        if quantity == "shared fraction at which the lead over the control vanishes":
            return results.vanishing_benefit(tables)
        if quantity == "mode of the final weights":
            return results.nearest_mode(tables, row["value"])
    raise ValueError(f"reported.csv: none of our results is {quantity!r} of {row['method']!r}")


def notes(tables: Tables, reported: pandas.DataFrame) -> list[str]:
    """Return what else to say in comparison.md."""
    return ["- Claims: accuracies, and whatever else is a share, are in percent."]
