"""The meta-search out of its collected table: what each search found, beside the paper's values and the control.

A search is what one seed tried under one reading. Its objective is eq. 2: the weighted mean accuracy on held-out images,
divided by the number of tasks.
"""

from __future__ import annotations

from pathlib import Path

import pandas

from common import records
from papers.sticky_gradient.protocol import HYPERPARAMETERS, NO_METHOD, PUBLISHED

COLUMNS = ["reading", "trial", "seed", *HYPERPARAMETERS, "objective"]
SYMBOLS = {"a1": "a₁", "mu": "μ", "sigma": "σ", "gamma": "γ", "zeta": "ζ", "lambda_": "λ"}


def read(path: str | Path) -> pandas.DataFrame:
    """Return the collected table. Raises ValueError if it is not such a table, or holds a trial twice."""
    table = records.read_tables(path, COLUMNS)
    if not table["objective"].between(0, 1).all():
        raise ValueError(f"{path}: objective must lie between 0 and 1; run the search again")
    twice = table[table.duplicated(["reading", "seed", "trial"])]
    if not twice.empty:
        raise ValueError(f"{path}: trials of {', '.join(sorted(set(twice['reading'])))} are there twice; collect once")
    return table


def found(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per search: its best trial, and columns `trials` (how many), `published` and `control`.

    The latter two are the objectives of Table 1's values and of the control under the same reading and seed; nan where
    they were not evaluated.
    """
    rows = []
    for (reading, seed), search in table.groupby(["reading", "seed"], sort=False):
        trials = search[search["trial"] >= 0]
        if trials.empty:
            continue
        objectives = search.set_index("trial")["objective"]
        best = trials.loc[trials["objective"].idxmax()].to_dict()
        beside = {"published": objectives.get(PUBLISHED), "control": objectives.get(NO_METHOD)}
        rows.append(best | beside | {"reading": reading, "seed": seed, "trials": len(trials)})
    columns = ["reading", "seed", *HYPERPARAMETERS, "objective", "published", "control", "trials"]
    return pandas.DataFrame(rows, columns=columns)
