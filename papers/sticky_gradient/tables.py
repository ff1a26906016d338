"""Tables 1 to 3: the hyperparameters that the search found, those that were fixed, and the ranges that were searched; and a
table of ours, what each reading of the paper gives.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pandas

from common import protocol
from common import reported as reported_numbers
from common.collected import Tables
from papers.sticky_gradient import collected, conditions, distributions, drawing, searches, trials
from papers.sticky_gradient.conditions import CONTROL, EWC, FULL, LABELS
from papers.sticky_gradient.protocol import PROTOCOL, Protocol
from papers.sticky_gradient.readings import decisive
from papers.sticky_gradient.searches import HYPERPARAMETERS, SYMBOLS

VARIES = "not the same in all runs"
# Of the paper's Table 2: where the provenance has ours. The last three are the network and optimizer of our code.
SETTINGS = {
    "base learning rate": "learning_rate",
    "epochs per task": "epochs",
    "hidden layer width": "hidden",
    "batch size": "batch",
    "tasks": "tasks",
}
BUILT = {"depth": 1, "number of hidden layers": 1, "optimizer": "Adam"}  # see model.py and train.py
CAPTIONS = {
    "table1": "Table 1. Hyperparameters found by the meta-search: the paper's, and the best trial of each of our searches,"
    " named by its reading. The last three columns are objectives (eq. 2 on held-out images, which divides by the number"
    " of tasks): of that trial, of the paper's values and of the control.",
    "table2": "Table 2. Fixed hyperparameters. The batch size is stated in Section 3.4, the number of tasks in Section 3.2.",
    "table3": "Table 3. Ranges of the meta-search, uniform in the logarithm.",
    "readings": "What the readings of the paper give after the last task: accuracies on all tasks so far, on the previous and on"
    " the newest one, in % and percentage points, test images, seeds that no reading was chosen on; modes of the sticky"
    " gradient's weights. What does not touch a condition is not part of its runs, so that readings share them.",
}


def table1(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> pandas.DataFrame:
    """Return Table 1: one row for the paper, one for each search: source, seed, trials, a1 to lambda, three objectives."""
    paper = drawing.published(reported)
    rows = [{"source": "paper", "trials": 30} | {name: getattr(paper, name) for name in HYPERPARAMETERS}]
    for search in searches.found(collected.table(tables, "search")).to_dict("records"):
        rows.append({"source": search.pop("reading"), **search})
    columns = ["source", "seed", "trials", *HYPERPARAMETERS, "objective", "published", "control"]
    table = pandas.DataFrame(rows, columns=columns)
    return table.rename(columns={name: f"objective_{name}" for name in ("published", "control")})


def table2(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> pandas.DataFrame:
    """Return Table 2: setting, the paper's value, ours out of the provenance of the runs."""
    training = _section(provenances, "accuracies", "training")
    stated = _settings(reported, "table2") | _settings(reported, "text")
    rows = []
    for setting in (*_settings(reported, "table2"), "batch size", "tasks"):
        ours = BUILT[setting] if setting in BUILT else training.get(SETTINGS[setting], VARIES)
        rows.append((setting, stated[setting], ours))
    return pandas.DataFrame(rows, columns=["setting", "paper", "ours"], dtype=object)


def table3(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> pandas.DataFrame:
    """Return Table 3: hyperparameter, the paper's lower and upper bound, ours out of the provenance of the search."""
    ranges = _section(provenances, "search", "search")
    bounds = reported[reported["panel"] == "table3"].set_index(["quantity", "method"])["value"]
    rows = []
    for name in HYPERPARAMETERS:
        paper = [float(bounds[name, f"{side} bound"]) for side in ("lower", "upper")]
        rows.append((SYMBOLS[name], *paper, *ranges.get(name, (VARIES, VARIES))))
    return pandas.DataFrame(rows, columns=["hyperparameter", "paper_low", "paper_high", "ours_low", "ours_high"])


def readings(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> pandas.DataFrame:
    """Return one row for the paper and one for each reading compared, on the seeds that all three conditions were run on.

    Columns: mean accuracies over all tasks, and means over seeds of all that the paper says of Figures 2 and 5; `met` counts
    how much of that lies within the margin of reported.csv. Where the paper contradicts itself, either will do.
    """
    stated = reported[reported["artifact"].isin(["fig2", "fig5"])]
    numbers = {column: rows for column, rows in stated.groupby(stated.apply(_column, axis=1), sort=False)}
    paper = {column: " or ".join(f"{value:g}" for value in rows["value"]) for column, rows in numbers.items()}
    table = [{"reading": "paper"} | paper]
    compared = collected.table(tables, "readings")
    for name in protocol.read(PROTOCOL, Protocol, "paper").design.compared:
        of_name = {kind: compared[compared["reading"] == decisive(name, kind)] for kind in CONDITIONS}
        runs = {kind: rows[rows["condition"] == kind].set_index("seed") for kind, rows in of_name.items()}
        if seeds := sorted(set.intersection(*(set(rows.index) for rows in runs.values()))):
            found = _of_reading({kind: rows.loc[seeds] for kind, rows in runs.items()})
            met = sum(_meets(found[column], rows) for column, rows in numbers.items())
            table.append({"reading": name, "seeds": len(seeds)} | found | {"met": f"{met} of {len(numbers)}"})
    averages = [LABELS[kind] for kind in CONDITIONS]
    return pandas.DataFrame(table, columns=["reading", "seeds", *averages, *numbers, "trapped", "met"])


CONDITIONS = (CONTROL, EWC, FULL)


def _of_reading(runs: dict[str, pandas.DataFrame]) -> dict[str, float]:
    """Return all that can be a column of the table, by its name."""
    found = {LABELS[kind]: runs[kind]["all"].mean() for kind in CONDITIONS}
    for measure in conditions.MEASURES:
        for one, other in permutations(CONDITIONS, 2):
            differences = runs[one][measure] - runs[other][measure]  # seed by seed
            found[f"{LABELS[one]} - {LABELS[other]}, {measure}"] = differences.mean()
    for place, name in zip(distributions.MODES, trials.MODES, strict=True):
        found[f"mode at {place:g}"] = runs[FULL][name].mean()
    return found | {"trapped": runs[FULL]["trapped"].mean()}


def _meets(value: float, numbers: pandas.DataFrame) -> bool:
    """Return whether a value lies within the margin of one of the paper's numbers for it."""
    return bool(((numbers["value"] - value).abs() <= numbers["margin"]).any())


def _column(row: pandas.Series) -> str:
    """Return the name of the column for a number of reported.csv."""
    if row["artifact"] == "fig5":
        return f"mode at {row['value']:g}"
    return f"{row['method']}, {conditions.QUANTITIES[row['quantity']]}"


HEADINGS = {
    "table1": SYMBOLS
    | {"source": "Source", "seed": "Seed", "trials": "Trials", "objective": "Best trial"}
    | {"objective_published": "Paper's values", "objective_control": "Control"},
    "table2": {"setting": "Setting", "paper": "Paper", "ours": "Ours"},
    "readings": {
        "reading": "Reading",
        "seeds": "Seeds",
        "trapped": "weights near a₁, %",
        "met": "of the paper's numbers",
    },
    "table3": {"hyperparameter": "Hyperparameter", "paper_low": "Paper, from", "paper_high": "to"}
    | {"ours_low": "Ours, from", "ours_high": "to"},
}


def _settings(reported: pandas.DataFrame, panel: str) -> dict[str, Any]:
    """Return the settings that reported.csv has in a panel, by name."""
    rows = reported[reported["artifact"].isin(reported_numbers.SETTINGS) & (reported["panel"] == panel)]
    return dict(zip(rows["quantity"], rows["value"], strict=True))


def _section(provenances: dict[str, dict], name: str, section: str) -> dict[str, Any]:
    """Return a section of the protocol that a table's runs had; empty if they did not all have the same protocol.

    Raises ValueError if the table was not given, or its protocol has no such section.
    """
    if name not in provenances:
        raise ValueError(f"no {name}.csv was given: its provenance tells our settings")
    if "protocol" not in provenances[name]:
        return {}
    if section not in provenances[name]["protocol"]:
        raise ValueError(f"the protocol in {name}.json has no section {section!r}: run its stage again")
    return provenances[name]["protocol"][section]
