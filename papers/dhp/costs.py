"""What the stages cost; the factors are fitted to the kept runs (`recorded/`)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from common.running.costs import Cost, dense, images, seeds, training
from papers.dhp.protocol import CLASSES, PIXELS, SIDE, Permuted, Protocol, Vision
from papers.dhp.runs import parameters

PASSES, OPERATIONS = 10, 250  # of a step: plain SGD and the penalty; small operations
SMALL = 1.4  # products of layers of hundreds of units, and of convolutions, beside those of thousands
KEPT = 0.5  # of the imbalanced benchmark's images
IMBALANCE = 1e5  # small operations


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    if stage == "imbalance":
        return Cost(operations=IMBALANCE)
    scale, benchmark = job["scale"], job.get("benchmark", "permuted")
    settings = getattr(protocol, benchmark)
    size, tuning = parameters(protocol, benchmark), protocol.tuning
    epochs, held_out = settings.epochs, 0
    if stage == "tune":
        epochs, held_out = min(tuning.epochs, epochs), tuning.held_out
    if isinstance(settings, Vision):
        train: float = sum(images(name, scale) for name in settings.sets)
        evaluated = len(settings.sets) * sum(images(name, scale, "test") for name in settings.sets)
        products = _convolutional(settings)
    else:
        products = dense((PIXELS, *settings.hidden, CLASSES))
        train, tested = images("mnist", scale) - held_out, held_out or images("mnist", scale, "test")
        evaluated = 5 * tested
        if isinstance(settings, Permuted):
            tasks = {"tune": tuning.tasks, "update": 1}.get(stage, settings.tasks)
            train *= tasks * (KEPT if benchmark == "imbalanced" else 1)
            evaluated = tasks**2 * tested
    if stage == "update":
        epochs = 1
    return training(
        products, size, epochs * train, settings.batch, evaluated, seeds(job), PASSES, OPERATIONS, products_factor=SMALL
    )


def _convolutional(settings: Vision) -> float:
    """Return how many products an image of the mixture needs: two convolutions, each with a pool, and two dense layers."""
    side, products = SIDE, 0.0
    for n_in, n_out in pairwise((3, *settings.channels)):
        side = side + 2 * settings.padding - settings.kernel + 1
        products += settings.kernel**2 * n_in * n_out * side**2
        side //= 2
    return products + dense((side**2 * settings.channels[-1], settings.dense, CLASSES))
