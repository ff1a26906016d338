"""The table of one benchmark: methods by optimizer, with intervals, costs beside fine-tuning's, and what cannot be told apart."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Callable

import pandas

from common.drawing.typeset import Table
from common.results.readers import Tables, chosen
from common.results.stats import summary
from studies.cross_benchmark import results
from studies.cross_benchmark.conditions import OPTIMIZER_LABELS, style
from studies.cross_benchmark.protocol import BENCHMARKS

CAPTION = (
    "{benchmark}, in % and points: mean [95% t-interval] over n seeds. Accuracy: average over all tasks after the last. Transfer: "
    "backward transfer. Plasticity: accuracy on a task when just learned. Rank: mean over seeds, 1 is best. Methods that share no "
    "letter are told apart (paired t-tests over seeds, Holm's rule at 0.05). Time and memory: of training, in multiples of "
    "fine-tuning's; memory is that of parameters, optimizer and method. Found: what the search chose."
)
COLUMNS = ["optimizer", "method", "n", *results.MEASURES, "rank", "group", "time", "memory", "found"]
HEADINGS = {name: name.capitalize() for name in COLUMNS} | {"n": "n"}
NAMES = {"learning_rate": "rate", "lambda_": "lambda"}


def table_of(benchmark: str) -> Callable[[Tables, pandas.DataFrame], Table]:
    """Return the function that makes a benchmark's table."""

    def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
        optimizers = [name for name in OPTIMIZER_LABELS if name in set(tables[benchmark]["optimizer"])]
        numbers = [row for optimizer in optimizers for row in _numbers(tables, benchmark, optimizer)]
        cells = pandas.DataFrame(map(_cells, numbers), columns=COLUMNS)
        caption = CAPTION.format(benchmark=BENCHMARKS[benchmark])
        return Table(cells, caption, HEADINGS, exact=pandas.DataFrame(numbers))

    return draw


def _numbers(tables: Tables, benchmark: str, optimizer: str) -> list[dict]:
    """Return each method's numbers, the best rank first."""
    table, cost, search = (chosen(tables[f"{benchmark}{of}"], optimizer=optimizer) for of in ("", "_cost", "_search"))
    accuracy = results.by_method(table, optimizer)
    rank, pairs = results.ranks(accuracy).sort_values(kind="stable"), results.differences(accuracy)
    groups = list(zip(string.ascii_lowercase, results.groups(list(rank.index), pairs), strict=False))
    costs = cost.groupby("condition")[["seconds", "bytes"]].mean()
    costs = costs / costs.loc["finetune"] if "finetune" in costs.index else costs * math.nan
    rows = []
    for name in rank.index:
        runs, tried = results.measures(table, optimizer, name), chosen(search, condition=name)
        same = pairs[~pairs["told_apart"] & (pairs[["one", "other"]] == name).any(axis=1)]
        row = {"optimizer": optimizer, "method": name, "n": int(runs["accuracy"].notna().sum()), "rank": rank[name]}
        row |= {"diverged": len(runs) - row["n"], "group": "".join(letter for letter, group in groups if name in group)}
        row["not_told_apart_from"] = " ".join(sorted({*same["one"], *same["other"]} - {name}))
        row |= {"time": costs.loc[name, "seconds"], "memory": costs.loc[name, "bytes"]}
        row["found"] = tried.loc[tried["objective"].idxmax(), "hyperparameters"]
        for measure in results.MEASURES:
            values = runs[measure].dropna()
            about = summary(values) if len(values) else None
            ends = (about.mean, about.ci_low, about.ci_high) if about else (math.nan,) * 3
            row |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), ends, strict=True))
        rows.append(row)
    return rows


def _cells(row: dict) -> dict[str, str | None]:
    """Return a row as it is read."""
    texts = {"optimizer": OPTIMIZER_LABELS[row["optimizer"]], "method": style(row["method"])[0], "group": row["group"]}
    texts["n"] = f"{row['n']}" + (f", {row['diverged']} diverged" if row["diverged"] else "")
    texts["found"] = ", ".join(
        f"{NAMES.get(name, name)} {value:.2g}" for name, value in json.loads(row["found"]).items()
    )
    for name in ("rank", "time", "memory", *results.MEASURES):
        interval = (
            ""
            if math.isnan(row.get(f"{name}_low", math.nan))
            else f" [{row[f'{name}_low']:.1f}, {row[f'{name}_high']:.1f}]"
        )
        texts[name] = None if math.isnan(row[name]) else f"{row[name]:.1f}{interval}"
    return texts
