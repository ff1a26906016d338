"""Table 1: the hyperparameters that the meta-search found, the paper's and ours."""

from __future__ import annotations

import pandas

from common.drawing.typeset import Table
from common.results import reported as reported_numbers
from common.results.readers import Tables
from papers.sticky_gradient.conditions import SYMBOLS
from papers.sticky_gradient.protocol import HYPERPARAMETERS
from papers.sticky_gradient.results import TRIALS, best_trials

CAPTION = (
    "Table 1. Hyperparameters found by the meta-search: the paper's, and the best trial of each of our searches,"
    " named by its reading. The last three columns are objectives (eq. 2 on held-out images, which divides by the number"
    " of tasks): of that trial, of the paper's values and of the control."
)
HEADINGS = SYMBOLS | {"source": "Source", "seed": "Seed", "trials": "Trials", "objective": "Best trial"}
HEADINGS |= {"objective_published": "Paper's values", "objective_control": "Control"}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return Table 1: one row for the paper, one for each search: source, seed, trials, a1 to lambda, three objectives."""
    stated = reported_numbers.results(reported, artifact="table1").set_index("quantity")["value"]
    rows = [{"source": "paper", "trials": TRIALS} | {name: float(stated[name]) for name in HYPERPARAMETERS}]
    for search in best_trials(tables["search"]).to_dict("records"):
        rows.append({"source": search.pop("reading"), **search})
    columns = ["source", "seed", "trials", *HYPERPARAMETERS, "objective", "published", "control"]
    renamed = {name: f"objective_{name}" for name in ("published", "control")}
    return Table(pandas.DataFrame(rows, columns=columns).rename(columns=renamed), CAPTION, HEADINGS)
