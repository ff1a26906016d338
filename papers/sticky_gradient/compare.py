"""Compare our runs with the paper: a verdict per reported number and an outcome per qualitative claim.

    python -m papers.sticky_gradient.compare --results TABLE.csv... --reported reported.csv --out comparison.csv

Tables are told apart by their names (accuracies.csv and so on); what they do not hold counts as not run. Accuracies are
compared twice where there are runs for it: under the hyperparameters of Table 1, and under those of our own search.
Writes claims.csv and comparison.md, both in short, beside the numbers.
"""

from __future__ import annotations

from functools import partial

import pandas

from common import claims, comparison
from common import reported as reported_numbers
from common.collected import Tables, request
from papers.sticky_gradient import collected, conditions, evidence, searches
from papers.sticky_gradient.claims import CLAIMS, ON_ACCURACIES

TABLE1, OWN_SEARCH = "Table 1", "own search"  # whose hyperparameters


def compare_numbers(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return every result the paper reports with ours beside it and a verdict; "not run" where we have no runs.

    Column `hyperparameters` says whose ours were; rows of our own search are there only where they were run.
    """
    published = reported_numbers.compare(reported, partial(our_runs, tables)).assign(hyperparameters=TABLE1)
    searched = evidence.of_own_search(tables)
    found = reported_numbers.compare(reported, partial(our_runs, searched)).assign(hyperparameters=OWN_SEARCH)
    return pandas.concat([published, found[found["ours_n"] > 0]], ignore_index=True)


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our value for a row of reported.csv, by seed; empty if not run, or if the tasks were fewer.

    Raises ValueError if the row names a quantity or a method that our tables cannot tell.
    """
    quantity, methods = row["quantity"], row["method"].split(" - ")
    names = [next((key for key, label in conditions.LABELS.items() if label == method), None) for method in methods]
    if None not in names:
        if quantity in conditions.QUANTITIES and len(names) == 2:
            return evidence.margin(tables, *names, conditions.QUANTITIES[quantity], int(row["x"]))
        if quantity in searches.HYPERPARAMETERS:
            return evidence.searched_value(tables, quantity)
        if quantity == "number of tasks from which the lead over the control lasts":
            return evidence.first_lasting_lead(tables, *names)
        if quantity == "shared fraction at which the lead over the control vanishes":
            return evidence.vanishing_benefit(tables)
        if quantity == "mode of the final weights":
            return evidence.nearest_mode(tables, row["value"])
    raise ValueError(f"reported.csv: none of our results is {quantity!r} of {row['method']!r}")


def check_claims(tables: Tables) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run), our numbers, and whose
    hyperparameters they were obtained with.

    Claims on accuracies are there once more if the full method was trained with those of our own search.
    """
    checked = claims.check(CLAIMS, tables).assign(hyperparameters=TABLE1)
    if not (found := evidence.of_own_search(tables)):
        return checked
    again = claims.check(ON_ACCURACIES, found).assign(hyperparameters=OWN_SEARCH)
    return pandas.concat([checked, again], ignore_index=True)


def markdown(numbers: pandas.DataFrame, checked: pandas.DataFrame, provenances: dict[str, dict]) -> list[str]:
    """Return the lines of all tables in Markdown, for a README."""
    lines = comparison.stamp_lines(provenances)
    for whose in (TABLE1, OWN_SEARCH):
        ours, held = (table[table["hyperparameters"] == whose] for table in (numbers, checked))
        if held.empty:
            continue
        lines += ["", f"Hyperparameters of {whose if whose == TABLE1 else 'our own search'}:", ""]
        lines += comparison.numbers_lines(ours, _name, decimals=3)
        lines += ["", comparison.not_run_line(ours), ""] if whose == TABLE1 else [""]
        lines += comparison.claims_lines(held, "Our numbers (accuracies in %), with 95% intervals")
    return lines


def _name(row: dict) -> str:
    """Return what to call a reported number in Markdown."""
    return f"{row['method']}: {row['quantity']}; {row['setting']}"


def main() -> None:
    asked = request("papers.sticky_gradient.compare", collected.READERS)
    numbers, checked = compare_numbers(asked.tables, asked.reported), check_claims(asked.tables)
    lines = markdown(numbers, checked, asked.provenances)
    comparison.write(asked.out, asked.scale, numbers, checked, lines)


if __name__ == "__main__":
    main()
