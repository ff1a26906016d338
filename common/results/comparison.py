"""Compare a paper's runs with what it reports: a verdict per number, an outcome per claim.

The paper's part is in its folder; only `CLAIMS` and one of the first two must be there:

    compare.our_runs(tables, row)    our value for a row of reported.csv, by seed; nan for a seed that diverged
    compare.our_numbers(tables)      where the paper reports none: our numbers as a table
    compare.BASIS, ALTERNATIVES      whose hyperparameters the numbers have, and with which others to compare again
    compare.SUPERSEDED               ends the setting of numbers that the paper's authors replaced: they get no verdict
    compare.ELSEWHERE                tables behind numbers and claims of an artifact, if not those that it is drawn from
    compare.notes(tables, reported)  further lines for comparison.md
    claims.CLAIMS                    the claims as predicates
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pandas

from common.data.files import atomic_write
from common.results import claims, reported, stamps, tables
from common.results.claims import Claim
from common.results.readers import Tables

VERDICTS = ("agrees", "differs", "unclear", "diverged")
JUDGED_AT, NOT_JUDGED = "paper", "not judged"  # a smaller protocol than the paper's bears no verdict on its numbers


class Alternative(NamedTuple):
    """Other hyperparameters than those of most runs: which runs have them, and what to judge again by these.

    name: whose they are; tables: a paper's tables -> those runs, under the names of the conditions that they stand for;
    claims: those that can differ; depends: whether a row of reported.csv can.
    """

    name: str
    tables: Callable[[Tables], Tables]
    claims: Sequence[Claim] = ()
    depends: Callable[[dict], bool] = lambda row: True


def compare_numbers(compare: Any, run: Tables, rows: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; compare: the paper's module.

    With alternatives a column `hyperparameters` says whose ours had; an alternative's rows are there only where run.
    """
    if hasattr(compare, "our_numbers"):
        return compare.our_numbers(run)
    numbers = _judged(compare, run, rows)
    if not (alternatives := getattr(compare, "ALTERNATIVES", ())):
        return numbers
    parts = [numbers.assign(hyperparameters=compare.BASIS)]
    for alternative in alternatives:
        others = _judged(compare, alternative.tables(run), rows)
        was_run = others["ours_n"] + others["ours_diverged"] > 0
        others = others[was_run & numpy.array([alternative.depends(row) for row in others.to_dict("records")], bool)]
        parts.append(others.assign(hyperparameters=alternative.name))
    return pandas.concat([part for part in parts if not part.empty], ignore_index=True)


def _judged(compare: Any, run: Tables, rows: pandas.DataFrame) -> pandas.DataFrame:
    numbers = reported.compare(rows, partial(compare.our_runs, run))
    if ending := getattr(compare, "SUPERSEDED", ""):
        numbers.loc[numbers["setting"].str.endswith(ending) & (numbers["ours_n"] > 0), "verdict"] = "superseded"
    return numbers


def check_claims(compare: Any, paper_claims: Sequence[Claim], run: Tables) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run), our numbers.

    With alternatives a column says whose hyperparameters; claims that can depend on them are there again if any were run.
    """
    checked = claims.check(paper_claims, run)
    if not (alternatives := getattr(compare, "ALTERNATIVES", ())):
        return checked
    parts = [checked.assign(hyperparameters=compare.BASIS)]
    for alternative in alternatives:
        if not (others := alternative.tables(run)).is_empty:
            parts.append(claims.check(alternative.claims, others).assign(hyperparameters=alternative.name))
    return pandas.concat(parts, ignore_index=True)


def scales_of(made_from: Mapping[str, Sequence[str]], run: Tables, names: Iterable[str]) -> dict[str, str]:
    """Return the scale behind each artifact, or of each of its tables where they differ.

    made_from: the tables of each artifact. A panel's letter may stand behind an artifact's name.
    """
    scales = {}
    for name in names:
        own = [table for table in made_from.get(name, made_from.get(name[:-1], ())) if table in run.scales]
        several = len({run.scales[table] for table in own}) > 1
        ran_at = [f"{table} {run.scales[table]}" if several else run.scales[table] for table in own]
        scales[name] = ", ".join(dict.fromkeys(ran_at))
    return scales


def withhold(table: pandas.DataFrame, column: str, scales: pandas.Series) -> None:
    """Take back verdicts or outcomes of rows with nothing of paper scale behind them; scales: of each row."""
    table.loc[~scales.str.contains(JUDGED_AT) & table[column].isin([*VERDICTS, "holds", "fails"]), column] = NOT_JUDGED


def markdown(
    run: Tables,
    numbers: pandas.DataFrame,
    checked: pandas.DataFrame,
    scales: Mapping[str, str],
    notes: Sequence[str] = (),
) -> list[str]:
    """Return the lines of comparison.md: what the tables are, the numbers that were run, and all claims."""
    lines = [f"- {name}: {stamps.stamp(record)[0].replace(' | ', ', ')}." for name, record in run.records.items()]
    lines += notes
    whose = list(dict.fromkeys(numbers["hyperparameters"])) if "hyperparameters" in numbers else [None]
    for one in whose:
        ours, judged = numbers, checked
        if one is not None:
            ours, judged = (table[table["hyperparameters"] == one] for table in (numbers, checked))
            lines += ["", f"Hyperparameters: {one}."]
        lines += ["", *number_lines(ours, scales), ""]
        lines += (
            [f"{(ours['verdict'] == 'not run').sum()} of {len(ours)} numbers: not run.", ""] if one == whose[0] else []
        )
        lines += claim_lines(judged, scales)
    return lines


def claim_lines(judged: pandas.DataFrame, scales: Mapping[str, str]) -> list[str]:
    """Return the claims as a Markdown table; scales: as of `number_lines`."""
    heading = ["Claim", "Artifact", "What the paper claims", "Outcome", "Our numbers, with 95% intervals"]
    entries = [[row.id, row.artifact, row.claim, row.outcome, row.detail] for row in judged.itertuples()]
    return _table(heading, entries, judged["artifact"], scales)


def number_lines(numbers: pandas.DataFrame, scales: Mapping[str, str]) -> list[str]:
    """Return Markdown tables of the numbers that were run: one line each, of whole matrices one line a condition.

    scales: of each artifact; where they are several, they are the last column.
    """
    run = numbers[numbers["verdict"] != "not run"]
    if "value" not in run:
        heading = ["Artifact", "Number", "Ours", "95% interval"]
        return _table(heading, [own_cells(row) for row in run.to_dict("records")], run["artifact"], scales)
    heading = ["Artifact", "Number", "Paper", "Ours", "Difference (95% interval)", "Margin", "Verdict"]
    singles = run[run["panel"] != "matrix"]
    lines = _table(heading, [reported_cells(row) for row in singles.to_dict("records")], singles["artifact"], scales)
    if len(entries := run[run["panel"] == "matrix"]):
        cells = []
        for (artifact, method, setting), rows in entries.groupby(["artifact", "method", "setting"], sort=False):
            counts = [(rows["verdict"] == verdict).sum() for verdict in VERDICTS]
            largest = "–"
            if len(finished := rows[rows["ours_n"] > 0]):
                most = finished.loc[finished["difference"].abs().idxmax()].to_dict()
                largest = f"{most['difference']:+.4f} ({quantity(most)})"
            cells.append([artifact, f"{method}; {setting}", len(rows), *counts, largest])
        heading = ["Artifact", "Condition", "Entries", *VERDICTS, "Largest difference"]
        lines += ["", "Entries of accuracy matrices (each with its verdict in comparison.csv):", ""]
        lines += _table(heading, cells, [artifact for artifact, *_ in cells], scales)
    return lines


def _table(
    heading: Sequence[str], cells: Iterable[Sequence[object]], artifacts: Iterable[str], scales: Mapping[str, str]
) -> list[str]:
    """Return a Markdown table; artifacts: of each row, whose scale is the last column if there are several."""
    rows = [heading, ["---"] * len(heading), *cells]
    if len(set(scales.values())) > 1:
        last = ["Scale", "---", *(scales.get(artifact, "") for artifact in artifacts)]
        rows = [[*row, name] for row, name in zip(rows, last, strict=True)]
    return [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows]


def _escaped(cell: object) -> str:
    """Return a cell's text with what Markdown would take for its border escaped."""
    return str(cell).replace("|", r"\|")


def quantity(row: dict) -> str:
    """Return a number's quantity with its x: "accuracy on task 2", "average accuracy (10)"."""
    if math.isnan(x := row.get("x", math.nan)):
        return row["quantity"]
    if "task x" in row["quantity"]:
        return row["quantity"].replace("task x", f"task {x:g}")
    return f"{row['quantity']} ({x:g})"


def _name(row: dict) -> list[str]:
    """Return where a number stands and what it is."""
    panel = row["panel"] if len(row["panel"]) < 2 else f" {row['panel']}"  # fig1A, but fig4 average
    return [f"{row['artifact']}{panel}", f"{row['method']}: {quantity(row)}; {row['setting']}"]


def own_cells(row: dict) -> list[str]:
    """Return the line of a number of ours for which the paper has none: to three digits."""
    several = row["ours_n"] > 1
    sd = f"SD {row['ours_sd']:.3g}, " if several else ""
    interval = f"[{row['ci_low']:.3g}, {row['ci_high']:.3g}]" if several else ""
    return [*_name(row), f"{row['ours_mean']:.3g} {row['unit']} ({sd}n = {row['ours_n']})", interval]


def reported_cells(row: dict) -> list[str]:
    """Return a reported number's line: to two digits beyond its margin."""
    unit = "" if row["unit"] in ("fraction", "") else f" {row['unit']}"
    decimals = 2 - math.floor(math.log10(row["margin"]))

    def text(number: float, sign: str = "") -> str:
        return f"{number:{sign}.{decimals}f}"

    several, difference = row["ours_n"] > 1, "–"
    spread = f" ({row['spread_kind'].upper()} {row['spread']:g})" if row["spread"] >= 0 else ""
    sd = f"SD {text(row['ours_sd'])}, " if several else ""
    ours = f"{text(row['ours_mean'])}{unit} ({sd}n = {row['ours_n']})"
    if row["ours_n"]:
        interval = f" [{text(row['ci_low'], '+')}, {text(row['ci_high'], '+')}]" if several else ""
        difference = f"{text(row['difference'], '+')}{interval}"
    if lost := row["ours_diverged"]:
        ours = f"{ours}, {lost} diverged" if row["ours_n"] else f"all {lost} diverged"
    return [*_name(row), f"{row['value']:g}{unit}{spread}", ours, difference, f"{row['margin']:g}", row["verdict"]]


def write(
    out: Path,
    compare: Any,
    paper_claims: Sequence[Claim],
    made_from: Mapping[str, Sequence[str]],
    run: Tables,
    rows: pandas.DataFrame,
) -> None:
    """Compare, and write the numbers at `out` (comparison.csv), with claims.csv and comparison.md beside them.

    compare, paper_claims: the paper's; made_from: the tables of each artifact; rows: of reported.csv. What has no
    table of paper scale behind it is not judged: differences, intervals and effects are there without a verdict.
    """
    numbers, checked = compare_numbers(compare, run, rows), check_claims(compare, paper_claims, run)
    made_from = {**made_from, **getattr(compare, "ELSEWHERE", {})}
    scales = scales_of(made_from, run, {*numbers["artifact"], *checked["artifact"]})
    for table, column in ((numbers, "verdict"), (checked, "outcome")):
        withhold(table, column, table["artifact"].map(scales))
    notes = compare.notes(run, rows) if hasattr(compare, "notes") else []
    for path, table in ((out, numbers), (out.with_name("claims.csv"), checked)):
        scale = pandas.DataFrame({"scale": table["artifact"].map(scales)}, index=table.index)
        tables.write(path, pandas.concat([scale, table], axis=1))
    with atomic_write(out.with_suffix(".md")) as temporary:
        temporary.write_text("\n".join(markdown(run, numbers, checked, scales, notes)) + "\n")
