"""What the stages cost; the factors are fitted to the kept runs (`recorded/`)."""

from __future__ import annotations

from collections.abc import Mapping

from common.running.costs import Cost, dense, images, seeds, training
from papers.synaptic_intelligence.protocol import CIFAR_SIDE, DIGITS, PIXELS, Protocol
from papers.synaptic_intelligence.runs import parameters

PASSES, OPERATIONS = 20, 150  # of a step: Adam and the path integral; small operations
SMALL = 1.7  # products of layers of hundreds of units, and of convolutions, beside those of thousands
CIFAR_TASK, CIFAR_TEST = 5000, 1000  # images of ten classes of CIFAR-100
LANDSCAPES, SIMULATIONS = 1e6, 7e5  # small operations: of all, and of a seed


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    if stage == "landscapes":
        return Cost(operations=LANDSCAPES)
    if stage == "simulations":
        return Cost(operations=SIMULATIONS * seeds(job))
    scale, replicas = job["scale"], seeds(job)
    benchmark = job.get("benchmark", "permuted_mnist")
    size = parameters(protocol, benchmark)
    if benchmark == "cifar":
        settings, tasks = protocol.cifar, protocol.cifar.cifar100_tasks
        part = images("cifar100", scale) / 100 * 10, images("cifar100", scale, "test") / 100 * 10
        shown = images("cifar10", scale) + tasks * part[0]
        evaluated = (tasks + 1) * (shown + images("cifar10", scale, "test") + tasks * part[1])
        return training(
            _cifar(protocol),
            size,
            settings.epochs * shown,
            settings.batch,
            evaluated,
            replicas,
            PASSES,
            OPERATIONS,
            SMALL,
        )
    settings = getattr(protocol, benchmark)
    products = dense((PIXELS, *settings.hidden, DIGITS))
    train, test = images("mnist", scale), images("mnist", scale, "test")
    if stage == "tune":
        tuning = protocol.tuning
        tasks = tuning.sgd_tasks if job["condition"] == "sgd" else tuning.tasks
        shown, evaluated = tuning.epochs * tasks * (train - tuning.held_out), tasks**2 * tuning.held_out
    elif benchmark == "permuted_mnist":
        tasks = settings.tasks
        shown, evaluated = settings.epochs * tasks * train, tasks**2 * test
        if job["condition"] == "joint":
            evaluated = tasks * (train + test)
    else:
        shown, evaluated = settings.epochs * train, 5 * (train + test)
    factor = SMALL if max(settings.hidden) < 1000 else 1.0
    return training(products, size, shown, settings.batch, evaluated, replicas, PASSES, OPERATIONS, factor)


def _cifar(protocol: Protocol) -> float:
    """Return how many products an image needs in Figure 6's network: four convolutions of 3x3, the odd ones padded."""
    first, second = protocol.cifar.channels
    half = (CIFAR_SIDE - 2) // 2
    quarter = (half - 2) // 2
    convolutions = (
        (3, first, CIFAR_SIDE),
        (first, first, CIFAR_SIDE - 2),
        (first, second, half),
        (second, second, half - 2),
    )
    products = sum(9 * n_in * n_out * side**2 for n_in, n_out, side in convolutions)
    return products + dense((quarter**2 * second, protocol.cifar.dense, protocol.cifar.outputs))
