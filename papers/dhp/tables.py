"""Table I: eight methods on four benchmarks, average accuracy and backward transfer, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping

import pandas

from common import accuracies, stats
from common import reported as reported_numbers
from common.collected import Tables
from papers.dhp import collected, compare, conditions, drawing, evidence
from papers.dhp.compare import OWN_SEARCH, PUBLISHED
from papers.dhp.conditions import BENCHMARKS, DHP, FINAL, FINETUNE, LABELS, METHODS, TRANSFER, TUNED

NOT_RUN = "not run"
CAPTION = (
    "Table I. Average test accuracy (%) / backward transfer (BWT, a fraction) after all tasks. In both, higher is"
    " better: a negative BWT is forgetting (the paper's caption calls a lower BWT better, against its own formula and"
    " text). Ours: mean ± SEM over n seeds; where we ran fewer tasks than the paper, how many is said, and there is no"
    " verdict. Paper: mean of 10 trials, ± SEM where its authors published one elsewhere. Verdicts, accuracy / BWT: the"
    " 95% interval of the difference against a margin fixed in advance. Own λ: that of our grid search."
)
COLUMNS = ["benchmark", "method", "lambda", "quantity", "paper", "paper_sem", "ours", "ours_sem", "n", "difference"]
COLUMNS += ["ci_low", "ci_high", "margin", "verdict", "tasks", "diverged"]


def table1_values(
    tables: Tables, reported: pandas.DataFrame, diverged: Mapping[tuple[str, str], int] | None = None
) -> pandas.DataFrame:
    """Return Table I, one number per row: benchmark, method, whose lambda, quantity, the paper's, ours, the verdict.

    Column `tasks` says after how many tasks ours is; if fewer than the paper's, there is no verdict. Column `diverged`
    says how many seeds did so, and are not among our n; diverged: `collected.diverged`.
    """
    numbers = compare.compare_numbers(tables, reported_numbers.results(reported, artifact="table1", panel=""))
    names = {"setting": "benchmark", "hyperparameters": "lambda", "value": "paper", "spread": "paper_sem"}
    numbers = numbers.drop(columns=["n", "paper"]).rename(columns=names | {"ours_mean": "ours", "ours_n": "n"})
    numbers["ours_sem"] = numbers["ours_sd"] / numbers["n"].clip(lower=1) ** 0.5
    numbers["tasks"] = numbers["benchmark"].map(
        {label: accuracies.tasks(collected.table(tables, name)) for name, label in BENCHMARKS.items()}
    )
    open_ones = numbers[(numbers["lambda"] == PUBLISHED) & (numbers["n"] == 0)]
    with_lambda = open_ones[~open_ones["method"].isin([LABELS[FINETUNE], LABELS[DHP]])]
    cell = ["benchmark", "method"]
    of_all_tasks = pandas.MultiIndex.from_frame(numbers.loc[numbers["lambda"] == OWN_SEARCH, cell])
    with_lambda = with_lambda[~pandas.MultiIndex.from_frame(with_lambda[cell]).isin(of_all_tasks)]
    fewer = [
        _of_fewer_tasks(open_ones, tables, PUBLISHED),
        _of_fewer_tasks(with_lambda, evidence.of_own_lambda(tables), OWN_SEARCH),
    ]
    parts = [part for part in (numbers.drop(fewer[0].index), *fewer) if not part.empty]
    values = pandas.concat(parts, ignore_index=True)
    if diverged and not (lost := _all_diverged(values, diverged)).empty:
        values = pandas.concat([values, lost], ignore_index=True)
    values["diverged"] = [(diverged or {}).get(_run(row), 0) for row in values.to_dict("records")]
    return values[COLUMNS]


def table1(values: pandas.DataFrame) -> pandas.DataFrame:
    """Return Table I as it is read: for each method the paper's row, ours and the verdicts; values: `table1_values`."""
    cells = {
        key: rows.set_index("quantity") for key, rows in values.groupby(["method", "lambda", "benchmark"], sort=False)
    }
    rows = []
    for condition in METHODS:
        for whose in (PUBLISHED, OWN_SEARCH):
            own = {label: cells.get((LABELS[condition], whose, label)) for label in BENCHMARKS.values()}
            if all(cell is None for cell in own.values()):
                continue
            suffix = "" if whose == PUBLISHED else ", own λ"
            if whose == PUBLISHED:
                rows.append((LABELS[condition], "paper", *(_pair(cell, "paper") for cell in own.values())))
            rows.append(("", f"ours{suffix}", *(_pair(cell, "ours") for cell in own.values())))
            rows.append(("", f"verdict{suffix}", *map(_verdicts, own.values())))
    return pandas.DataFrame(rows, columns=["method", "row", *BENCHMARKS])


def _run(row: dict) -> tuple[str, str]:
    """Return the names of the benchmark and condition that a row's runs have."""
    benchmark = next(name for name, label in BENCHMARKS.items() if label == row["benchmark"])
    condition = next(name for name in METHODS if LABELS[name] == row["method"])
    return benchmark, condition + (TUNED if row["lambda"] == OWN_SEARCH else "")


def headings(scales: Mapping[str, str]) -> dict[str, str]:
    """Return what to call the columns of Table I; scales: of the benchmarks' tables, said where they differ."""
    several = len(set(scales.values())) > 1
    ran = {name: f"{label} ({scales[name]} scale)" for name, label in BENCHMARKS.items() if several and name in scales}
    return {"method": "Method", "row": "", **BENCHMARKS, **ran}


def _of_fewer_tasks(rows: pandas.DataFrame, tables: Tables, whose: str) -> pandas.DataFrame:
    """Return those rows of Table I that we have runs for, if of fewer tasks than the paper's, with our results."""
    found = {}
    for index, row in rows.iterrows():
        benchmark, condition = _run({**row, "lambda": PUBLISHED})  # named alike in both
        results = collected.table(tables, benchmark)
        final = row["quantity"] == FINAL
        runs = conditions.after(results, condition, row["tasks"]) if final else conditions.transfers(results, condition)
        if runs:
            ours = stats.summary(runs.values())
            found[index] = {**row, "lambda": whose, "ours": ours.mean, "ours_sem": ours.sem, "n": ours.n, "verdict": ""}
    return pandas.DataFrame.from_dict(found, orient="index", columns=rows.columns)


def _all_diverged(values: pandas.DataFrame, diverged: Mapping[tuple[str, str], int]) -> pandas.DataFrame:
    """Return rows without results for own lambdas with which all seeds diverged, and which have no row otherwise."""
    there = {_run(row) for row in values.to_dict("records")}
    own = values[values["lambda"] == PUBLISHED].assign(**{"lambda": OWN_SEARCH, "n": 0, "verdict": ""})
    own[["ours", "ours_sem", "difference", "ci_low", "ci_high"]] = float("nan")
    return own[[_run(row) in set(diverged) - there for row in own.to_dict("records")]]


def _pair(cell: pandas.DataFrame | None, whose: str) -> str:
    """Return accuracy / BWT, the paper's or ours, with standard errors."""
    if cell is not None and whose == "ours" and cell.loc[FINAL, "n"] == 0 and cell.loc[FINAL, "diverged"]:
        return f"{cell.loc[FINAL, 'diverged']} diverged, of {cell.loc[FINAL, 'diverged']}"
    if cell is None or pandas.isna(cell.loc[FINAL, whose]):
        return NOT_RUN
    decimals = {FINAL: 2, TRANSFER: 2 if whose == "paper" else 3}
    pair = " / ".join(
        drawing.plus_minus(*cell.loc[quantity, [whose, f"{whose}_sem"]], decimals[quantity])
        for quantity in (FINAL, TRANSFER)
    )
    fewer = whose == "ours" and cell.loc[FINAL, "verdict"] == ""
    return f"{pair} ({cell.loc[FINAL, 'tasks']} tasks)" if fewer else pair


def _verdicts(cell: pandas.DataFrame | None) -> str:
    if cell is None or cell.loc[FINAL, "n"] == 0:
        return ""
    runs = f"n = {cell.loc[FINAL, 'n']}" + (f", {lost} more diverged" if (lost := cell.loc[FINAL, "diverged"]) else "")
    if cell.loc[FINAL, "verdict"] == "":
        return runs
    return f"{cell.loc[FINAL, 'verdict']} / {cell.loc[TRANSFER, 'verdict']} ({runs})"
