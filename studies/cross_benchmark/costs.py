"""What the stages cost, counted as those of the papers are."""

from __future__ import annotations

from collections.abc import Mapping

from common.running.costs import Cost, images, seeds, training
from studies.cross_benchmark.protocol import CIFAR, CIFAR_CLASSES, CLASSES_PER_TASK, PAIRS, Protocol
from studies.cross_benchmark.runs import layers, parameters

PASSES, OPERATIONS = 12, 300  # of a step: the optimizer and the method; small operations
SMALL, CONVOLVED = 1.4, 3.4  # products of these layers beside those of large matrices; of the convolutions
KEPT = 0.5  # of the imbalanced benchmark's images


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    benchmark = job["benchmark"]
    settings = protocol.cifar if benchmark == CIFAR else protocol.training
    tuned = protocol.cifar if benchmark == CIFAR else protocol.search
    held_out, runs = (tuned.held_out, protocol.search.trials) if stage == "tune" else (0, 1)
    replicas = protocol.search.tuning_seeds if stage == "tune" else seeds(job)
    train, tested, tasks = _size(benchmark, protocol, job["scale"])
    train, tested = train - held_out, held_out or tested
    again = 1 if tasks else settings.tasks  # how often every image is shown
    shown = settings.epochs * train * again * (KEPT if benchmark == "imbalanced" else 1)
    rounds = 1 if stage == "tune" else tasks or settings.tasks  # a search looks at the end alone
    evaluated = rounds * tested * again
    products = sum(n_in * n_out * places for n_in, n_out, places in layers(benchmark, protocol))
    size = parameters(benchmark, protocol)
    return training(
        products,
        size,
        shown,
        settings.batch,
        evaluated,
        replicas,
        PASSES,
        OPERATIONS,
        CONVOLVED if benchmark == CIFAR else SMALL,
    ).times(runs)


def _size(benchmark: str, protocol: Protocol, scale: str) -> tuple[float, float, int]:
    """Return the training and the test images of a benchmark, and into how many tasks they are cut; 0 if all show all."""
    if benchmark == CIFAR:
        tasks = protocol.cifar.tasks
        share = tasks * CLASSES_PER_TASK / CIFAR_CLASSES
        return images("cifar100", scale) * share, images("cifar100", scale, "test") * share, tasks
    tasks = len(PAIRS) if benchmark.startswith("split") else 0
    return images("mnist", scale), images("mnist", scale, "test"), tasks
