"""Compare our runs with the paper: a verdict per reported number and an outcome per qualitative claim.

Command line: python -m papers.tsar.compare --transfer TABLE.csv --reported reported.csv --out comparison.csv
(writes claims.csv and comparison.md, both in short, beside it)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas

from common import claims, collect, records
from common import reported as reported_numbers
from papers.tsar import recall
from papers.tsar.claims import CLAIMS

IDENTITY = ["artifact", "panel", "quantity", "method", "setting", "x"]


def compare_numbers(results: pandas.DataFrame, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; "not run" where we have no runs.

    results: as `recall.read` returns it; reported: as `reported.read` does. Values are in the reported unit.
    """
    treatments = {label: treatment for treatment, label in recall.LABELS.items()}
    ours = []
    for row in reported_numbers.results(reported).to_dict("records"):
        if row["artifact"] != "fig1":
            continue
        runs = recall.after(results, treatments[row["method"]], recall.FIG1_CONDITIONS[row["panel"]], row["x"])
        ours += [{**{key: row[key] for key in IDENTITY}, "seed": seed, "value": value} for seed, value in runs.items()]
    table = pandas.DataFrame(ours, columns=[*IDENTITY, "seed", "value"])
    return reported_numbers.compare(reported, table, on=IDENTITY)


def check_claims(results: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run) and our numbers."""
    return claims.check(CLAIMS, results)


def markdown(numbers: pandas.DataFrame, checked: pandas.DataFrame, provenance: dict) -> str:
    """Return both tables in Markdown, for a README: the numbers that were run, and all claims."""
    run = numbers[numbers["ours_n"] > 0]
    lines = [
        f"{collect.stamp(provenance)[0].replace(' | ', ', ')}.",
        "",
        "| Artifact | Number | Paper | Ours | Difference (95% interval) | Margin | Verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *[_number_row(row) for row in run.to_dict("records")],
        "",
        f"{len(numbers) - len(run)} of {len(numbers)} reported numbers: not run.",
        "",
        "| Claim | Artifact | What the paper claims | Outcome | Our numbers in %, with 95% intervals |",
        "| --- | --- | --- | --- | --- |",
        *[
            f"| {row.id} | {row.artifact} | {row.claim} | {row.outcome} | {row.detail} |"
            for row in checked.itertuples()
        ],
    ]
    return "\n".join(lines) + "\n"


def _number_row(row: dict) -> str:
    unit = row["unit"]
    paper = f"{row['value']:g} {unit}" + (
        f" ({row['spread_kind'].upper()} {row['spread']:g})" if row["spread"] >= 0 else ""
    )
    several = row["ours_n"] > 1
    ours = (
        f"{row['ours_mean']:.2f} {unit} (" + (f"SD {row['ours_sd']:.2f}, " if several else "") + f"n = {row['ours_n']})"
    )
    difference = f"{row['difference']:+.2f}" + (f" [{row['ci_low']:+.2f}, {row['ci_high']:+.2f}]" if several else "")
    name = f"{row['method']}, {row['setting']}"
    cells = (f"{row['artifact']}{row['panel']}", name, paper, ours, difference, f"{row['margin']:g}", row["verdict"])
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m papers.tsar.compare", description="Compare runs with the paper.")
    parser.add_argument("--transfer", required=True, type=Path, help="collected table, its .json beside it")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument("--out", required=True, type=Path, help="comparison.csv; claims.csv and .md go beside it")
    arguments = parser.parse_args()
    results = recall.read(arguments.transfer)
    provenance = records.read_provenance(arguments.transfer.with_suffix(".json"))
    numbers, checked = compare_numbers(results, reported_numbers.read(arguments.reported)), check_claims(results)
    for path, table in ((arguments.out, numbers), (arguments.out.with_name("claims.csv"), checked)):
        table.insert(0, "scale", provenance["scale"])
        records.write_table(path, table)
    with records.atomic_write(arguments.out.with_suffix(".md")) as temporary:
        temporary.write_text(markdown(numbers, checked, provenance))


if __name__ == "__main__":
    main()
