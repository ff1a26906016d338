"""Which part of each class the tasks of imbalanced permuted MNIST show; the same in all experiments.

python -m papers.dhp.imbalance --scale smoke --data data/smoke/mnist.npz --out imbalance.csv
"""

from __future__ import annotations

from pathlib import Path

import torch

from common import protocol, records, stage
from papers.dhp import data
from papers.dhp.protocol import CLASSES, PROTOCOL, Protocol


def main() -> None:
    parser = stage.parser(__doc__)
    parser.add_argument("--data", required=True, help="prepared MNIST")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    arguments = parser.parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    where = torch.device("cpu")
    stream, abouts = data.stream("imbalanced", plan.imbalanced, [arguments.data], [0], where)
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="dhp",
        stage="imbalance",
        scale=arguments.scale,
        seeds=[],
        protocol={"imbalanced": protocol.as_dict(plan.imbalanced)},
        data=abouts,
        device=where,
    ):
        table = []
        for number, removal in enumerate(data.removal_probabilities(plan.imbalanced.tasks).tolist(), start=1):
            kept = torch.bincount(stream.train.labels[stream.tasks[number - 1][0].train], minlength=CLASSES).tolist()
            for digit in range(CLASSES):
                row = {"task": number, "class": digit, "removal_probability": removal[digit], "kept": kept[digit]}
                table.append(row)
        records.write_table(arguments.out, table)


if __name__ == "__main__":
    stage.run(main)
