"""Table 3: the ranges of the meta-search, the paper's and those of our search."""

from __future__ import annotations

import pandas

from common.drawing.typeset import Table
from common.results.readers import Tables
from papers.sticky_gradient.conditions import SYMBOLS
from papers.sticky_gradient.protocol import HYPERPARAMETERS
from papers.sticky_gradient.results import VARIES, settings_of_runs

CAPTION = "Table 3. Ranges of the meta-search, uniform in the logarithm."
HEADINGS = {"hyperparameter": "Hyperparameter", "paper_low": "Paper, from", "paper_high": "to"}
HEADINGS |= {"ours_low": "Ours, from", "ours_high": "to"}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return Table 3: hyperparameter, the paper's lower and upper bound, ours out of the record of the search."""
    ranges = settings_of_runs(tables, "search", "search")
    bounds = reported[reported["panel"] == "table3"].set_index(["quantity", "method"])["value"]
    rows = []
    for name in HYPERPARAMETERS:
        paper = [float(bounds[name, f"{side} bound"]) for side in ("lower", "upper")]
        rows.append((SYMBOLS[name], *paper, *ranges.get(name, (VARIES, VARIES))))
    return Table(pandas.DataFrame(rows, columns=list(HEADINGS)), CAPTION, HEADINGS)
