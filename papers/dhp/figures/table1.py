"""Table I: eight methods on four benchmarks, average accuracy and backward transfer, ours beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas

from common.drawing.typeset import Table
from common.results import accuracies, comparison
from common.results import reported as reported_numbers
from common.results.readers import Tables
from papers.dhp import compare
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, TASKS, TRANSFER
from papers.dhp.figures.means import plus_minus

NOT_RUN = "not run"
CAPTION = (
    "Table I. Average test accuracy (%) / backward transfer (BWT, a fraction) after all tasks. In both, higher is"
    " better: a negative BWT is forgetting (the paper's caption calls a lower BWT better, against its own formula and"
    " text). Ours: mean ± SEM over n seeds; where we ran fewer tasks than the paper, how many is said, and there is no"
    " verdict. Paper: mean of 10 trials, ± SEM where its authors published one elsewhere. Verdicts, accuracy / BWT: the"
    " 95% interval of the difference against a margin fixed in advance. Own λ: that of our grid search. Standardised pixels,"
    " batch importance: another reading of what the paper leaves open, with its λ."
)
SUFFIXES = {compare.BASIS: "", compare.OWN_SEARCH: ", own λ", compare.PUBLIC_BENCHMARK: f", {compare.PUBLIC_BENCHMARK}"}
COLUMNS = ["benchmark", "method", "lambda", "quantity", "paper", "paper_sem", "ours", "ours_sem", "n", "difference"]
COLUMNS += ["ci_low", "ci_high", "margin", "verdict", "tasks", "diverged"]


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return Table I as it is read: for each method the paper's row, ours and the verdicts."""
    numbers = values(tables, reported)
    return Table(_cells(numbers), CAPTION, headings(tables.scales), exact=numbers)


def values(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return Table I, one number per row: benchmark, method, whose lambda, quantity, the paper's, ours, the verdict.

    Column `tasks` says after how many tasks ours is; if fewer than the paper's, there is no verdict. Column `diverged`
    says how many seeds did so, and are not among our n.
    """
    rows = reported_numbers.results(reported, artifact="table1", panel="")
    tasks = {label: accuracies.tasks(tables[name]) for name, label in BENCHMARK_LABELS.items()}
    fewer = [label for name, label in BENCHMARK_LABELS.items() if 0 < tasks[label] < TASKS[name]]
    asked = rows["x"].mask(rows["setting"].isin(fewer), rows["setting"].map(tasks))
    numbers = comparison.compare_numbers(compare, tables, rows.assign(x=asked))
    numbers = numbers.drop(columns=["n", "paper"]).rename(
        columns={"setting": "benchmark", "hyperparameters": "lambda", "value": "paper", "spread": "paper_sem"}
        | {"ours_mean": "ours", "ours_n": "n", "ours_diverged": "diverged"}
    )
    numbers["ours_sem"] = numbers["ours_sd"] / numbers["n"].clip(lower=1) ** 0.5
    numbers["tasks"] = numbers["benchmark"].map(tasks)
    unjudged = numbers["benchmark"].isin(fewer) & (numbers["verdict"] != NOT_RUN)
    numbers.loc[unjudged, ["difference", "ci_low", "ci_high"]] = math.nan
    numbers.loc[unjudged, "verdict"] = ""
    scales = {label: tables.scales.get(name, "") for name, label in BENCHMARK_LABELS.items()}
    comparison.withhold(numbers, "verdict", numbers["benchmark"].map(scales))
    return numbers[COLUMNS]


def headings(scales: Mapping[str, str]) -> dict[str, str]:
    """Return what to call the columns of Table I; scales: of the benchmarks' tables, said where they differ."""
    several = len(set(scales.values())) > 1
    ran = {name: f"{BENCHMARK_LABELS[name]} ({scale} scale)" for name, scale in scales.items() if several}
    return {"method": "Method", "row": "", **BENCHMARK_LABELS, **ran}


def _cells(values: pandas.DataFrame) -> pandas.DataFrame:
    cells = {
        key: rows.set_index("quantity") for key, rows in values.groupby(["method", "lambda", "benchmark"], sort=False)
    }
    rows = []
    for method in LABELS.values():
        for whose, suffix in SUFFIXES.items():
            own = [cells.get((method, whose, benchmark)) for benchmark in BENCHMARK_LABELS.values()]
            if all(cell is None for cell in own):
                continue
            if not suffix:
                rows.append((method, "paper", *(_pair(cell, "paper") for cell in own)))
            rows.append(("", f"ours{suffix}", *(_pair(cell, "ours") for cell in own)))
            rows.append(("", f"verdict{suffix}", *map(_verdicts, own)))
    return pandas.DataFrame(rows, columns=["method", "row", *BENCHMARK_LABELS])


def _pair(cell: pandas.DataFrame | None, whose: str) -> str:
    """Return accuracy / BWT, the paper's or ours, with standard errors."""
    if cell is None:
        return NOT_RUN
    accuracy = cell.loc[FINAL]
    if pandas.isna(accuracy[whose]):
        return f"{accuracy['diverged']} diverged, of {accuracy['diverged']}" if accuracy["diverged"] else NOT_RUN
    decimals = {FINAL: 2, TRANSFER: 2 if whose == "paper" else 3}
    pair = " / ".join(
        plus_minus(cell.loc[quantity, whose], cell.loc[quantity, f"{whose}_sem"], decimals[quantity])
        for quantity in (FINAL, TRANSFER)
    )
    return f"{pair} ({accuracy['tasks']} tasks)" if whose == "ours" and accuracy["verdict"] == "" else pair


def _verdicts(cell: pandas.DataFrame | None) -> str:
    if cell is None or cell.loc[FINAL, "n"] == 0:
        return ""
    runs = f"n = {cell.loc[FINAL, 'n']}" + (f", {lost} more diverged" if (lost := cell.loc[FINAL, "diverged"]) else "")
    if cell.loc[FINAL, "verdict"] == "":
        return runs
    return f"{cell.loc[FINAL, 'verdict']} / {cell.loc[TRANSFER, 'verdict']} ({runs})"
