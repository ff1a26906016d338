"""Which part of each class the tasks of imbalanced permuted MNIST show; the same in all experiments.

python -m papers.dhp.imbalance --scale smoke --data data/smoke/mnist.npz --out imbalance.csv
"""

from __future__ import annotations

import torch

from common.results import tables
from common.running import stage
from papers.dhp import data
from papers.dhp.protocol import CLASSES
from papers.dhp.runs import REGISTER


def main() -> None:
    parser = stage.parser(__doc__, "out")
    parser.add_argument("--data", required=True, help="prepared MNIST")
    arguments = parser.parse_args()
    job = stage.Job(REGISTER, "imbalance", arguments, of={}, device="cpu")
    settings = job.settings.imbalanced
    stream, abouts = data.stream("imbalanced", settings, [arguments.data], [0], job.device)
    with job.record(arguments.out, abouts, seeds=[]):
        rows = []
        removal = data.removal_probabilities(settings.tasks).tolist()
        for task, probabilities in enumerate(removal, start=1):
            shown = stream.train.labels[stream.tasks[task - 1][0].train]
            kept = torch.bincount(shown, minlength=CLASSES).tolist()
            for digit in range(CLASSES):
                row = {"task": task, "class": digit, "removal_probability": probabilities[digit], "kept": kept[digit]}
                rows.append(row)
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
