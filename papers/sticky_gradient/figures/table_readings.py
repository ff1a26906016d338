"""A table of ours: what each reading of the paper gives, beside what the paper says."""

from __future__ import annotations

from itertools import permutations

import pandas

from common.drawing.typeset import Table
from common.results.readers import Tables
from papers.sticky_gradient.conditions import LABELS
from papers.sticky_gradient.measures import MEASURES, MODES
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, decisive
from papers.sticky_gradient.results import QUANTITIES

CONDITIONS = (CONTROL, EWC, FULL)
CAPTION = (
    "What the readings of the paper give after the last task: accuracies on all tasks so far, on the previous and on"
    " the newest one, in % and percentage points, test images, seeds that no reading was chosen on; modes of the sticky"
    " gradient's weights. What does not touch a condition is not part of its runs, so that readings share them."
)
HEADINGS = {"reading": "Reading", "seeds": "Seeds", "trapped": "weights near a₁, %", "met": "of the paper's numbers"}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return one row for the paper and one for each reading compared, on the seeds that all three conditions were run on.

    Columns: mean accuracies over all tasks, and means over seeds of all that the paper says of Figures 2 and 5; `met` counts
    how much of that lies within the margin of reported.csv. Where the paper contradicts itself, either will do.
    """
    stated = reported[reported["artifact"].isin(["fig2", "fig5"])]
    numbers = {column: rows for column, rows in stated.groupby(stated.apply(_column, axis=1), sort=False)}
    paper = {column: " or ".join(f"{value:g}" for value in rows["value"]) for column, rows in numbers.items()}
    table, results = [{"reading": "paper"} | paper], tables["readings"]
    for name in tables.settings.design.compared:
        of_name = {kind: results[results["reading"] == decisive(name, kind)] for kind in CONDITIONS}
        runs = {kind: rows[rows["condition"] == kind].set_index("seed") for kind, rows in of_name.items()}
        if seeds := sorted(set.intersection(*(set(rows.index) for rows in runs.values()))):
            ours = _of_reading({kind: rows.loc[seeds] for kind, rows in runs.items()})
            met = sum(_meets(ours[column], rows) for column, rows in numbers.items())
            table.append({"reading": name, "seeds": len(seeds)} | ours | {"met": f"{met} of {len(numbers)}"})
    averages = [LABELS[kind] for kind in CONDITIONS]
    columns = ["reading", "seeds", *averages, *numbers, "trapped", "met"]
    return Table(pandas.DataFrame(table, columns=columns), CAPTION, HEADINGS)


def _of_reading(runs: dict[str, pandas.DataFrame]) -> dict[str, float]:
    """Return all that can be a column of the table, by its name; runs: one row per seed, by condition."""
    ours = {LABELS[kind]: runs[kind]["all"].mean() for kind in CONDITIONS}
    for measure in MEASURES:
        for one, other in permutations(CONDITIONS, 2):
            differences = runs[one][measure] - runs[other][measure]  # seed by seed
            ours[f"{LABELS[one]} - {LABELS[other]}, {measure}"] = differences.mean()
    for name, mode in MODES.items():
        ours[f"mode at {mode:g}"] = runs[FULL][name].mean()
    return ours | {"trapped": runs[FULL]["trapped"].mean()}


def _meets(value: float, numbers: pandas.DataFrame) -> bool:
    """Return whether a value lies within the margin of one of the paper's numbers for it."""
    return bool(((numbers["value"] - value).abs() <= numbers["margin"]).any())


def _column(row: pandas.Series) -> str:
    """Return the name of the column for a number of reported.csv."""
    if row["artifact"] == "fig5":
        return f"mode at {row['value']:g}"
    return f"{row['method']}, {QUANTITIES[row['quantity']]}"
