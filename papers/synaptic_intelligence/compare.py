"""Compare our runs with the paper: a verdict per reported number and an outcome per qualitative claim.

    python -m papers.synaptic_intelligence.compare --results TABLE.csv... --reported reported.csv --out comparison.csv

Tables are told apart by their names (split_mnist.csv and so on); what they do not hold counts as not run. Writes
claims.csv and comparison.md, both in short, beside the numbers.
"""

from __future__ import annotations

import re
from functools import partial

import pandas

from common import accuracies, claims, comparison
from common import reported as reported_numbers
from common.collected import Tables, request
from papers.synaptic_intelligence import collected, conditions
from papers.synaptic_intelligence.claims import CLAIMS

BENCHMARKS = {"fig3": "split_mnist", "fig4": "permuted_mnist", "fig6": "cifar"}
TABLES = BENCHMARKS | {"fig5": "correlations", "sec3": "theory", "sec4": "theory"}  # that each artifact is judged by
AVERAGE, JOINT = "average accuracy over the tasks learned so far", "average accuracy after all tasks at once"
ENTRY = re.compile(r"accuracy on task (\d+) after task x")
FINAL = re.compile(r"accuracy on task x (alone|after all tasks)")


def compare_numbers(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; "not run" where we have no runs."""
    return reported_numbers.compare(reported, partial(our_runs, tables))


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our accuracies for a row of reported.csv, by seed; empty if not run, or if the tasks were fewer.

    Raises ValueError if the row names a quantity, a method or images that our tables cannot tell.
    """
    benchmark, quantity, x = BENCHMARKS[row["artifact"]], row["quantity"], row["x"]
    condition = next((key for key, label in conditions.LABELS.items() if label == row["method"]), None)
    split = {"test images": "test", "training images": "train"}.get(row["setting"].split(";")[0].split(", ")[-1])
    entry = ENTRY.fullmatch(quantity)
    if condition is None or split is None or not (entry or FINAL.fullmatch(quantity) or quantity in (AVERAGE, JOINT)):
        raise ValueError(f"reported.csv: no accuracy is {quantity!r} of {row['method']!r}, {row['setting']!r}")
    results = collected.table(tables, benchmark)
    if entry:
        return accuracies.entry(results, condition, split, int(x), int(entry[1]))
    if quantity == AVERAGE:
        return accuracies.average(results, condition, split, int(x))
    tasks = conditions.TASKS[benchmark]
    if quantity == JOINT:
        return accuracies.average(results, condition, split, tasks)
    return conditions.on_task(results, condition, split, int(x)) if accuracies.tasks(results) == tasks else {}


def check_claims(tables: Tables) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run) and our numbers."""
    return claims.check(CLAIMS, tables)


def markdown(
    numbers: pandas.DataFrame, checked: pandas.DataFrame, provenances: dict[str, dict], scales: dict[str, str]
) -> list[str]:
    """Return the lines of all tables in Markdown, for a README; the entries of accuracy matrices in short.

    scales: by artifact.
    """
    of_matrices = numbers["panel"] == "matrix"
    return [
        *comparison.stamp_lines(provenances),
        "",
        *comparison.numbers_lines(numbers[~of_matrices], _name, 4, scales),
        "",
        "Entries of the accuracy matrices, task by task (each with its own verdict in comparison.csv):",
        "",
        *_matrix_lines(numbers[of_matrices & (numbers["ours_n"] > 0)], scales),
        "",
        comparison.not_run_line(numbers),
        "",
        *comparison.claims_lines(checked, "Our numbers (accuracies in %), with 95% intervals", scales),
    ]


def _name(row: dict) -> str:
    """Return what to call a reported number in Markdown."""
    quantity = row["quantity"].replace("task x", f"task {row['x']:g}")
    tasks = f" ({row['x']:g})" if row["quantity"] == AVERAGE else ""
    return f"{row['method']}: {quantity}{tasks}; {row['setting']}"


def _matrix_lines(numbers: pandas.DataFrame, scales: dict[str, str]) -> list[str]:
    """Return one line per condition: how many entries have which verdict, and the largest difference."""
    verdicts = ["agrees", "differs", "unclear"]
    cells = []
    for (artifact, method, setting), rows in numbers.groupby(["artifact", "method", "setting"], sort=False):
        counts = [(rows["verdict"] == verdict).sum() for verdict in verdicts]
        most = rows.loc[rows["difference"].abs().idxmax()]
        where = most["quantity"].replace("task x", f"task {most['x']:g}")
        cells.append([artifact, f"{method}; {setting}", len(rows), *counts, f"{most['difference']:+.4f} ({where})"])
    heading = ["Artifact", "Condition", "Entries", *verdicts, "Largest difference"]
    return comparison.table_lines(heading, cells, [artifact for artifact, *_ in cells], scales)


def main() -> None:
    asked = request("papers.synaptic_intelligence.compare", collected.READERS)
    numbers, checked = compare_numbers(asked.tables, asked.reported), check_claims(asked.tables)
    scales = {artifact: asked.scales[table] for artifact, table in TABLES.items() if table in asked.scales}
    lines = markdown(numbers, checked, asked.provenances, scales)
    comparison.write(asked.out, scales, numbers, checked, lines)


if __name__ == "__main__":
    main()
