"""Compare our runs with the paper: a verdict per reported number and an outcome per qualitative claim.

    python -m papers.dhp.compare --results TABLE.csv... --reported reported.csv --out comparison.csv

Tables are told apart by their names (permuted.csv and so on); what they do not hold counts as not run. Methods with a
lambda are compared twice where there are runs for it: with the published lambda, and with that of our own grid search.
Writes claims.csv and comparison.md, both in short, beside the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import pandas

from common import claims, comparison
from common import reported as reported_numbers
from common.claims import difference
from common.collected import Tables, request
from papers.dhp import collected, conditions, evidence
from papers.dhp.claims import CLAIMS, ON_LAMBDA
from papers.dhp.conditions import BENCHMARKS, FINAL, LABELS, SO_FAR, TRANSFER
from papers.dhp.runs import NEEDS, SWEPT

WORKSHOP, SUPERSEDED = "workshop version", "superseded"  # a setting of reported.csv, and what stands for its verdict
PUBLISHED, OWN_SEARCH = "published", "own search"  # whose lambda
OF_ETA = {
    "largest eta in task 1": evidence.largest_eta_in_task1,
    "task after which eta decays": evidence.task_of_largest_eta,
}


def compare_numbers(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; "not run" where we have no runs.

    Column `hyperparameters` says whose lambda ours had; rows of our own search are there only where they were run. What
    the workshop version reported, and the paper replaced, has "superseded" for a verdict.
    """
    numbers = reported_numbers.compare(reported, partial(our_runs, tables)).assign(hyperparameters=PUBLISHED)
    if tuned := evidence.of_own_lambda(tables):
        found = reported_numbers.compare(reported, partial(our_runs, tuned)).assign(hyperparameters=OWN_SEARCH)
        depends = found["method"].map(lambda method: any(map(conditions.is_consolidating, _conditions(method))))
        numbers = pandas.concat([numbers, found[depends & (found["ours_n"] > 0)]], ignore_index=True)
    numbers.loc[numbers["setting"].str.endswith(WORKSHOP) & (numbers["ours_n"] > 0), "verdict"] = SUPERSEDED
    return numbers


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our value for a row of reported.csv in its unit, by seed; empty if not run, or if the tasks were fewer.

    Raises ValueError if the row names a quantity, a method or a benchmark that our tables cannot tell.
    """
    quantity, names = row["quantity"], _conditions(row["method"])
    benchmark = next((key for key, label in BENCHMARKS.items() if label == row["setting"].split(";")[0]), None)
    if names and benchmark and quantity in OF_ETA:
        return OF_ETA[quantity](tables)
    if names and benchmark and quantity in (FINAL, SO_FAR, TRANSFER):
        if quantity == TRANSFER:  # the paper's are fractions
            runs = [evidence.transfer(tables, benchmark, name) for name in names]
            runs = [{seed: value / 100 for seed, value in run.items()} for run in runs]
        else:
            runs = [evidence.accuracy(tables, benchmark, name, int(row["x"])) for name in names]
        return runs[0] if len(runs) == 1 else difference(*runs)
    raise ValueError(f"reported.csv: none of our results is {quantity!r} of {row['method']!r}, {row['setting']!r}")


def check_claims(tables: Tables) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run), our numbers, and whose
    lambda they were obtained with.

    Claims that depend on a lambda are there once more if some method was trained with that of our own search.
    """
    checked = claims.check(CLAIMS, tables).assign(hyperparameters=PUBLISHED)
    if not (found := evidence.of_own_lambda(tables)):
        return checked
    again = claims.check(ON_LAMBDA, found).assign(hyperparameters=OWN_SEARCH)
    return pandas.concat([checked, again], ignore_index=True)


def markdown(
    tables: Tables,
    reported: pandas.DataFrame,
    numbers: pandas.DataFrame,
    checked: pandas.DataFrame,
    provenances: dict[str, dict],
) -> list[str]:
    """Return the lines of all tables in Markdown, for a README."""
    lines = comparison.stamp_lines(provenances)
    lines += _imbalance_lines(tables) + _lambda_lines(tables, reported)
    for whose in (PUBLISHED, OWN_SEARCH):
        ours, held = (table[table["hyperparameters"] == whose] for table in (numbers, checked))
        if held.empty:
            continue
        lines += ["", f"{'Published lambdas' if whose == PUBLISHED else 'Lambdas of our own search'}:", ""]
        lines += comparison.numbers_lines(ours, _name, decimals=3)
        lines += ["", comparison.not_run_line(ours), ""] if whose == PUBLISHED else [""]
        lines += comparison.claims_lines(held, "Our numbers (accuracies in %, BWT in points), with 95% intervals")
    return lines


def _conditions(method: str) -> list[str]:
    """Return the conditions that a method of reported.csv, "A" or "A - B", names; empty if one is unknown."""
    found = [next((key for key, label in LABELS.items() if label == name), None) for name in method.split(" - ")]
    return [] if None in found or len(found) > 2 else found


def _name(row: dict) -> str:
    """Return what to call a reported number in Markdown."""
    tasks = f" ({row['x']:g})" if row["quantity"] == SO_FAR else ""
    return f"{row['method']}: {row['quantity']}{tasks}; {row['setting']}"


def _imbalance_lines(tables: Tables) -> list[str]:
    """Return how many training images the imbalanced benchmark left."""
    kept = collected.table(tables, "imbalance")["kept"]
    if kept.empty:
        return []
    span = f"{kept.min():g} to {kept.max():g} (mean {kept.mean():.0f})"
    return [f"- Imbalanced Permuted MNIST: {span} training images left per class and task."]


def _lambda_lines(tables: Tables, reported: pandas.DataFrame) -> list[str]:
    """Return a Markdown table of the lambdas that our grid search found, with the published ones."""
    tune = collected.table(tables, "tune")
    if tune.empty:
        return []
    stated = reported[reported["quantity"] == "lambda"].set_index(["setting", "method"])["value"]
    lines = ["", "| Benchmark | Method | Published lambda | Own lambda | Accuracy on held-out images (%) |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for (benchmark, condition), rows in tune.groupby(["benchmark", "condition"], sort=False):
        means = rows.groupby("value")["accuracy"].mean()
        edge = " (edge of the grid)" if means.idxmax() in (means.index[0], means.index[-1]) else ""
        label = BENCHMARKS[benchmark]
        cells = [label, LABELS[condition], f"{stated[label, LABELS[condition]]:g}", f"{means.idxmax():g}{edge}"]
        lines.append(f"| {' | '.join([*cells, f'{100 * means.max():.2f}'])} |")
    return lines


def _by_artifact(scales: Mapping[str, str], artifacts: Iterable[str]) -> dict[str, str]:
    """Return the scale of each artifact's tables; where these differ, of each table."""
    found = {}
    for artifact in artifacts:
        needed = [name for name in NEEDS.get(artifact.rstrip("ab"), SWEPT) if name in scales]
        several = len({scales[name] for name in needed}) > 1
        found[artifact] = ", ".join(
            dict.fromkeys(f"{name} {scales[name]}" if several else scales[name] for name in needed)
        )
    return found


def main() -> None:
    asked = request("papers.dhp.compare", collected.READERS)
    numbers, checked = compare_numbers(asked.tables, asked.reported), check_claims(asked.tables)
    lines = markdown(asked.tables, asked.reported, numbers, checked, asked.provenances)
    scales = _by_artifact(asked.scales, {*numbers["artifact"], *checked["artifact"]})
    comparison.write(asked.out, scales, numbers, checked, lines)


if __name__ == "__main__":
    main()
