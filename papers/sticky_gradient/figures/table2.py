"""Table 2: the hyperparameters that were fixed, the paper's and those of our runs."""

from __future__ import annotations

from typing import Any

import pandas

from common.drawing.typeset import Table
from common.results import reported as reported_numbers
from common.results.readers import Tables
from papers.sticky_gradient.results import VARIES, settings_of_runs

SETTINGS = {  # what the protocol calls them; the last three are the network and the optimizer of our code
    "base learning rate": "learning_rate",
    "epochs per task": "epochs",
    "hidden layer width": "hidden",
    "batch size": "batch",
    "tasks": "tasks",
}
BUILT = {"depth": 1, "number of hidden layers": 1, "optimizer": "Adam"}  # see model.py and train.py
CAPTION = "Table 2. Fixed hyperparameters. The batch size is stated in Section 3.4, the number of tasks in Section 3.2."
HEADINGS = {"setting": "Setting", "paper": "Paper", "ours": "Ours"}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return Table 2: setting, the paper's value, ours out of the record of the runs."""
    training = settings_of_runs(tables, "accuracies", "training")
    stated = _stated(reported, "table2") | _stated(reported, "text")
    rows = []
    for setting in (*_stated(reported, "table2"), "batch size", "tasks"):
        ours = BUILT[setting] if setting in BUILT else training.get(SETTINGS[setting], VARIES)
        rows.append((setting, stated[setting], ours))
    return Table(pandas.DataFrame(rows, columns=["setting", "paper", "ours"], dtype=object), CAPTION, HEADINGS)


def _stated(reported: pandas.DataFrame, panel: str) -> dict[str, Any]:
    """Return the settings that reported.csv has in a panel, by name."""
    rows = reported[reported["artifact"].isin(reported_numbers.SETTINGS) & (reported["panel"] == panel)]
    return dict(zip(rows["quantity"], rows["value"], strict=True))
