"""Tables 1 to 3: the hyperparameters that the search found, those that were fixed, and the ranges that were searched."""

from __future__ import annotations

from typing import Any

import pandas

from common import reported as reported_numbers
from common.collected import Tables
from papers.sticky_gradient import collected, drawing, searches
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


HEADINGS = {
    "table1": SYMBOLS
    | {"source": "Source", "seed": "Seed", "trials": "Trials", "objective": "Best trial"}
    | {"objective_published": "Paper's values", "objective_control": "Control"},
    "table2": {"setting": "Setting", "paper": "Paper", "ours": "Ours"},
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
