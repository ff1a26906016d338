"""The study's one protocol (protocol.yaml): the same network, steps, starts and budget of trials for every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from common.running.protocols import check_positive

FIRST_TUNING_SEED = 1000  # seeds of tuning, which no reported run has
PIXELS, CLASSES = 784, 10  # of MNIST
CIFAR_SIDE, COLOURS, CIFAR_CLASSES, CLASSES_PER_TASK, KERNEL = 32, 3, 100, 10, 3  # of CIFAR-100 and its network
PAIRS = tuple((digit, digit + 1) for digit in range(0, CLASSES, 2))  # the tasks of split MNIST
OPTIMIZERS = ("sgd", "adam")
METHODS = ("finetune", "joint", "ewc", "online_ewc", "si", "mas", "sticky", "dhp", "dhp_ewc", "dhp_si", "dhp_mas")
CIFAR = "cifar100"
BENCHMARKS = {  # and what they are called
    "permuted": "Permuted MNIST",
    "imbalanced": "Imbalanced permuted MNIST",
    "split_task": "Split MNIST, task-incremental",
    "split_domain": "Split MNIST, domain-incremental",
    "split_class": "Split MNIST, class-incremental",
    CIFAR: "Split CIFAR-100, task-incremental",
}


def section(benchmark: str) -> str:
    """Return the section of the protocol that a benchmark's runs read."""
    return "cifar" if benchmark == CIFAR else "training"


def name_of(method: str) -> str:
    """Return the name of a method: itself, or that of the user's file without its ending."""
    return PurePath(method).stem if method.endswith(".py") else method


@dataclass(frozen=True)
class Training:
    """What all runs on MNIST have in common; tasks: of the permuted benchmarks."""

    hidden: tuple[int, ...]
    tasks: int
    epochs: int
    batch: int
    importance_images: int
    xi: float


@dataclass(frozen=True)
class Cifar:
    """What all runs on CIFAR-100 have in common; tasks: of ten classes each, from the first; held_out: as in `Search`."""

    channels: tuple[int, ...]
    dense: int
    tasks: int
    epochs: int
    batch: int
    importance_images: int
    xi: float
    held_out: int

    def __post_init__(self) -> None:
        if 2 ** len(self.channels) > CIFAR_SIDE:
            raise ValueError(f"channels: {len(self.channels)} convolutions leave nothing of {CIFAR_SIDE} pixels")
        if self.tasks * CLASSES_PER_TASK > CIFAR_CLASSES:
            raise ValueError(f"tasks must be at most {CIFAR_CLASSES // CLASSES_PER_TASK}, not {self.tasks}")


Settings = Training | Cifar


@dataclass(frozen=True)
class Search:
    """The search of each method: trials, held-out training images, and the range of the learning rate by optimizer.

    tuning_seeds: whose mean accuracy judges a trial; one that diverges on any of them has lost.
    """

    trials: int
    held_out: int
    sgd: tuple[float, float]
    adam: tuple[float, float]
    tuning_seeds: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_positive(self, "sgd", "adam")
        for name in OPTIMIZERS:
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"{name} must be a range such as [0.001, 1.0], not [{low:g}, {high:g}]")


@dataclass(frozen=True)
class Design:
    """What is compared, and with how many seeds; methods: names, or files of the user's own."""

    methods: tuple[str, ...]
    optimizers: tuple[str, ...]
    seeds: int

    def __post_init__(self) -> None:
        if unknown := [name for name in self.methods if not (name in METHODS or name.endswith(".py"))]:
            raise ValueError(
                f"methods: unknown method {unknown[0]!r}; known are {', '.join(METHODS)}, and files of your own (.py)"
            )
        if taken := [name for name in self.methods if name not in METHODS and name_of(name) in METHODS]:
            raise ValueError(f"methods: {taken[0]}: there is a method {name_of(taken[0])} already; rename the file")
        if unknown := [name for name in self.optimizers if name not in OPTIMIZERS]:
            raise ValueError(f"optimizers: unknown optimizer {unknown[0]!r}; known are {', '.join(OPTIMIZERS)}")


@dataclass(frozen=True)
class Protocol:
    training: Training
    cifar: Cifar
    search: Search
    design: Design
