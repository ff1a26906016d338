"""Compare our runs with the paper: a verdict per reported number and an outcome per qualitative claim.

Command line: python -m papers.tsar.compare --transfer TABLE.csv --reported reported.csv --out comparison.csv
(writes claims.csv and comparison.md, both in short, beside it)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas

from common import claims, collect, comparison, records
from common import reported as reported_numbers
from papers.tsar import recall
from papers.tsar.claims import CLAIMS


def compare_numbers(results: pandas.DataFrame, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; "not run" where we have no runs.

    results: as `recall.read` returns it; reported: as `reported.read` does. Values are in the reported unit.
    """
    treatments = {label: treatment for treatment, label in recall.LABELS.items()}

    def our_runs(row: dict) -> dict[int, float]:
        if row["artifact"] != "fig1":
            return {}
        return recall.after(results, treatments[row["method"]], recall.FIG1_CONDITIONS[row["panel"]], row["x"])

    return reported_numbers.compare(reported, our_runs)


def check_claims(results: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run) and our numbers."""
    return claims.check(CLAIMS, results)


def markdown(numbers: pandas.DataFrame, checked: pandas.DataFrame, provenance: dict) -> list[str]:
    """Return the lines of both tables in Markdown, for a README: the numbers that were run, and all claims."""
    return [
        f"{collect.stamp(provenance)[0].replace(' | ', ', ')}.",
        "",
        *comparison.numbers_lines(numbers, lambda row: f"{row['method']}, {row['setting']}", decimals=2),
        "",
        comparison.not_run_line(numbers),
        "",
        *comparison.claims_lines(checked, "Our numbers in %, with 95% intervals"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m papers.tsar.compare", description="Compare runs with the paper.")
    parser.add_argument("--transfer", required=True, type=Path, help="collected table, its .json beside it")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument("--out", required=True, type=Path, help="comparison.csv; claims.csv and .md go beside it")
    arguments = parser.parse_args()
    results = recall.read(arguments.transfer)
    provenance = records.read_provenance(arguments.transfer.with_suffix(".json"))
    numbers, checked = compare_numbers(results, reported_numbers.read(arguments.reported)), check_claims(results)
    comparison.write(arguments.out, provenance["scale"], numbers, checked, markdown(numbers, checked, provenance))


if __name__ == "__main__":
    main()
