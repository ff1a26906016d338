"""One Hebbian update, taken from a real run (Figure 1): what a batch of training images does to the trace.

    python -m papers.dhp.update --scale smoke --data data/smoke/mnist.npz --out update.csv

The network has seen one epoch of MNIST; the batch is the first of those images in an order of its own.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import torch
from torch import Tensor

from common.data.catalog import DataError
from common.learning.continual import learn
from common.learning.stream_data import Stream, order
from common.results import tables
from common.running import stage
from papers.dhp import data, method
from papers.dhp.model import Classifier
from papers.dhp.protocol import CLASSES, DHP, Permuted, condition
from papers.dhp.runs import REGISTER
from papers.dhp.train import learner, schedule

CLASS, SEED = 6, 0


def update(settings: Permuted, stream: Stream, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return hidden units [B, m] and labels [B] of the batch, and the trace before and after it [m, 10].

    Raises DataError if the batch has no example of class 6.
    """
    learning = learner(settings, condition(DHP), [SEED], device)
    learn(learning, stream, schedule(settings), [SEED], "one epoch before the update")
    indices = order(stream, 0, [SEED], "the batch of Figure 1")[:, : settings.batch]
    inputs, labels = stream.train.batch(indices, [None])
    network, parameters = cast(Classifier, learning.network), learning.parameters
    with torch.no_grad():
        hidden = network.body(parameters[: network.body.size], inputs)
        trace = method.hebbian_update(parameters[-1], parameters[-2], hidden, labels)
    if not (labels == CLASS).any():
        raise DataError(f"the batch of {settings.batch} images shows no {CLASS}; take a larger batch")
    return hidden[0].cpu(), labels[0].cpu(), parameters[-1][0].detach().cpu(), trace[0].cpu()


def rows(hidden: Tensor, labels: Tensor, before: Tensor, after: Tensor) -> list[dict]:
    """Return one row per unit and example (kind "activation"), and per unit and class ("before" and "after", example 0).

    Units from 1 in the order of their mean activation over the examples of class 6, the highest first.
    """
    ranking = hidden[labels == CLASS].mean(0).argsort(descending=True)
    strips = [
        ("activation", number, label, hidden[number - 1]) for number, label in enumerate(labels.tolist(), start=1)
    ]
    for kind, trace in (("before", before), ("after", after)):
        strips += [(kind, 0, label, trace[:, label]) for label in range(CLASSES)]
    return [
        # seven digits, which is what float32 holds; written as float64 they would be seventeen
        {"kind": kind, "example": example, "class": label, "unit": unit, "value": float(f"{value:.7g}")}
        for kind, example, label, values in strips
        for unit, value in enumerate(values[ranking].tolist(), start=1)
    ]


def main() -> None:
    parser = stage.parser(__doc__, "out")
    parser.add_argument("--data", required=True, help="prepared MNIST")
    arguments = parser.parse_args()
    job = stage.Job(REGISTER, "update", arguments, of={}, wide=True)
    settings = dataclasses.replace(job.settings.permuted, tasks=1, epochs=1)
    stream, abouts = data.stream("permuted", settings, [arguments.data], [SEED], job.device)
    with job.record(arguments.out, abouts, [SEED]):
        tables.write(arguments.out, rows(*update(settings, stream, job.device)))


if __name__ == "__main__":
    stage.run(main)
