"""What each reading gives: one row per run of the control, EWC or the full method, out of the tables that training wrote.

    python -m papers.sticky_gradient.trials --out readings.csv TABLE.csv...

Beside each table lie its provenance (.json), which names the reading, and the distribution of the weights (weights_*.csv).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas

from common import collect, records
from papers.sticky_gradient import conditions, distributions
from papers.sticky_gradient.readings import FULL

# After the last task, in %: the mean accuracy over all tasks, over all but the newest, and on the newest. Of the full method
# also the share of weights near the attractor (in %), and the modes nearest to the paper's three (nan if there is none).
ACCURACIES = list(conditions.MEASURES)
MODES = ["inhibitory", "zero", "attractor"]
COLUMNS = ["reading", "condition", "seed", "tasks", *ACCURACIES, "trapped", *MODES]


def read(path: str | Path) -> pandas.DataFrame:
    """Return the collected table. Raises ValueError if it is not such a table, or holds a run twice."""
    table = records.read_tables(path, COLUMNS)
    if table.duplicated(["reading", "condition", "seed"]).any():
        raise ValueError(f"{path}: runs are there twice; collect each once")
    return table


def summary(accuracies: pandas.DataFrame, weights: pandas.DataFrame, reading: str) -> list[dict]:
    """Return one row per seed of the one condition that the tables hold."""
    (condition,) = set(accuracies["condition"])
    measured = {name: measure(accuracies, condition) for name, measure in conditions.MEASURES.items()}
    tasks = int(max(measured["all"].columns))
    histograms = distributions.histograms(weights, condition, tasks)
    rows = []
    for seed in measured["all"].index:
        row = {"reading": reading, "condition": condition, "seed": seed, "tasks": tasks}
        row |= {name: 100 * table.loc[seed, tasks] for name, table in measured.items()}
        if condition == FULL:
            row |= _near(histograms.loc[seed])
        rows.append(row)
    return rows


def _near(histogram: pandas.Series) -> dict[str, float]:
    modes = [distributions.nearest_mode(histogram, mode) for mode in distributions.MODES]
    share = 100 * distributions.share(histogram, distributions.MODES[-1])
    return {"trapped": share} | dict(zip(MODES, modes, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m papers.sticky_gradient.trials", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the CSV to write; its provenance goes beside it")
    parser.add_argument(
        "tables", nargs="+", type=Path, metavar="TABLE.csv", help="accuracies of one reading and condition"
    )
    arguments = parser.parse_args()
    provenances = {str(table): records.read_provenance(table.with_suffix(".json")) for table in arguments.tables}
    rows = []
    for table in arguments.tables:
        weights = distributions.read(table.with_name(f"weights_{table.name}"))
        rows += summary(conditions.read(table), weights, provenances[str(table)]["protocol"]["reading"])
    collect.write(arguments.out, pandas.DataFrame(rows, columns=COLUMNS), collect.merge(provenances))


if __name__ == "__main__":
    main()
