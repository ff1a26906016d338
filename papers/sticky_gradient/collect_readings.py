"""Collect what each reading gives: one row per run of the control, EWC or the full method.

    python -m papers.sticky_gradient.collect_readings --out readings.csv TABLE.csv...

A table is one that training wrote. Beside it lie its record (.json), which names the reading, and the distribution of the
weights (weights_*.csv).
"""

from __future__ import annotations

from pathlib import Path

import pandas

from common.data.files import check_outputs, written
from common.results import accuracies, collect, records, tables
from common.running import command_line
from papers.sticky_gradient import distributions
from papers.sticky_gradient.measures import SUMMARY_COLUMNS, summary
from papers.sticky_gradient.readings import CONTROL, EWC, FULL


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--out", required=True, type=written(".csv"), help="the CSV to write; its record goes beside it"
    )
    parser.add_argument(
        "tables", nargs="+", type=Path, metavar="TABLE.csv", help="accuracies of one reading and condition"
    )
    arguments = parser.parse_args()
    check_outputs(vars(arguments))
    rows, parts = [], {}
    for path in arguments.tables:
        part = parts[str(path)] = records.read(path.with_suffix(".json"))
        weights = tables.read(path.with_name(f"weights_{path.name}"), distributions.COLUMNS)
        rows += summary(accuracies.reader((CONTROL, EWC, FULL)).read(path), weights, part["measured"]["reading"])
    collect.write(arguments.out, pandas.DataFrame(rows, columns=SUMMARY_COLUMNS), records.merge(parts))


if __name__ == "__main__":
    command_line.run(main)
