"""What the stages cost, counted as those of the papers are."""

from __future__ import annotations

from collections.abc import Mapping

from common.running.costs import Cost, dense, images, seeds, training
from studies.cross_benchmark.data import classes
from studies.cross_benchmark.protocol import PAIRS, PIXELS, Protocol
from studies.cross_benchmark.runs import parameters

PASSES, OPERATIONS = 12, 300  # of a step: the optimizer and the method; small operations
KEPT = 0.5  # of the imbalanced benchmark's images


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    settings, benchmark, scale = protocol.training, job["benchmark"], job["scale"]
    held_out, runs = (protocol.search.held_out, protocol.search.trials) if stage == "tune" else (0, 1)
    train, tested = images("mnist", scale) - held_out, held_out or images("mnist", scale, "test")
    tasks = len(PAIRS) if benchmark.startswith("split") else settings.tasks
    shown: float = (
        train if benchmark.startswith("split") else train * tasks * (KEPT if benchmark == "imbalanced" else 1)
    )
    evaluated = tasks * tested * (1 if benchmark.startswith("split") else tasks)
    products = dense((PIXELS, *settings.hidden, classes(benchmark)))
    size = parameters(protocol)
    one = training(
        products,
        size,
        settings.epochs * shown,
        settings.batch,
        evaluated,
        seeds(job),
        PASSES,
        OPERATIONS,
        products_factor=1.4,
    )
    return one.times(runs)
