"""How a comparison with a paper is written down: numbers and claims as CSV, and both in short as Markdown for a README."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas

from common import collect, records

Scales = str | Mapping[str, str]  # of everything, or by artifact


def stamp_lines(provenances: Mapping[str, dict]) -> list[str]:
    """Return a Markdown list of what each table is; provenances: merged ones, by the tables' names."""
    return [f"- {name}: {collect.stamp(record)[0].replace(' | ', ', ')}." for name, record in provenances.items()]


def numbers_lines(
    numbers: pandas.DataFrame, name: Callable[[dict], str], decimals: int, scale: Scales = ""
) -> list[str]:
    """Return a Markdown table of the numbers that were run, one line per row of the file.

    numbers: as `reported.compare` returns it; name: what to call a row's number; decimals: how exactly to state ours at least;
    scale: as in `write`; if there are several, a column says which.
    """
    run = numbers[numbers["ours_n"] > 0]
    heading = ["Artifact", "Number", "Paper", "Ours", "Difference (95% interval)", "Margin", "Verdict"]
    cells = [_number_cells(row, name(row), decimals) for row in run.to_dict("records")]
    return table_lines(heading, cells, run["artifact"], scale)


def claims_lines(checked: pandas.DataFrame, numbers: str, scale: Scales = "") -> list[str]:
    """Return a Markdown table of all claims; checked: as `claims.check` returns it; numbers: heading of our numbers.

    scale: as in `numbers_lines`.
    """
    heading = ["Claim", "Artifact", "What the paper claims", "Outcome", numbers]
    cells = [[row.id, row.artifact, row.claim, row.outcome, row.detail] for row in checked.itertuples()]
    return table_lines(heading, cells, checked["artifact"], scale)


def table_lines(
    heading: Sequence[str], cells: Iterable[Sequence[object]], artifacts: Iterable[str], scale: Scales
) -> list[str]:
    """Return a Markdown table; artifacts: of each row; scale: as in `write`; if there are several, the last column."""
    rows = [heading, ["---"] * len(heading), *cells]
    if not isinstance(scale, str) and len(set(scale.values())) > 1:
        last = ["Scale", "---", *(scale.get(artifact, "") for artifact in artifacts)]
        rows = [[*row, name] for row, name in zip(rows, last, strict=True)]
    return [f"| {' | '.join(map(str, row))} |" for row in rows]


def not_run_line(numbers: pandas.DataFrame) -> str:
    """Return the sentence that says how many of the reported numbers were not run."""
    return f"{(numbers['ours_n'] == 0).sum()} of {len(numbers)} reported numbers: not run."


def write(
    out: Path,
    scale: Scales,
    numbers: pandas.DataFrame,
    checked: pandas.DataFrame,
    markdown: list[str],
) -> None:
    """Write numbers to `out` (comparison.csv), claims.csv beside it, both with a column `scale`, and the Markdown (.md).

    scale: of all rows, or by artifact; empty for artifacts that it leaves out.
    """
    for path, table in ((out, numbers), (out.with_name("claims.csv"), checked)):
        of_rows = scale if isinstance(scale, str) else table["artifact"].map(scale).fillna("")
        scales = pandas.DataFrame({"scale": of_rows}, index=table.index)
        records.write_table(path, pandas.concat([scales, table], axis=1))
    with records.atomic_write(out.with_suffix(".md")) as temporary:
        temporary.write_text("\n".join(markdown) + "\n")


def _number_cells(row: dict, name: str, decimals: int) -> list[str]:
    unit = "" if row["unit"] in ("fraction", "") else f" {row['unit']}"
    if 0 < abs(row["value"]) < 1:  # three significant digits of small ones
        decimals = max(decimals, 2 - math.floor(math.log10(abs(row["value"]))))
    spread = f" ({row['spread_kind'].upper()} {row['spread']:g})" if row["spread"] >= 0 else ""
    paper = f"{row['value']:g}{unit}{spread}"
    ours, difference = f"{row['ours_mean']:.{decimals}f}{unit}", f"{row['difference']:+.{decimals}f}"
    if row["ours_n"] > 1:
        ours += f" (SD {row['ours_sd']:.{decimals}f}, n = {row['ours_n']})"
        difference += f" [{row['ci_low']:+.{decimals}f}, {row['ci_high']:+.{decimals}f}]"
    else:
        ours += f" (n = {row['ours_n']})"
    panel = row["panel"] if len(row["panel"]) < 2 else f" {row['panel']}"  # fig1A, but fig4 average
    return [f"{row['artifact']}{panel}", name, paper, ours, difference, f"{row['margin']:g}", row["verdict"]]
