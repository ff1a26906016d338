"""The schema of protocol.yaml, and the names of conditions: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from common.running.protocols import check_positive

PIXELS, DIGITS = 28 * 28, 10  # of MNIST
CIFAR_SIDE = 32
FIRST_TUNING_SEED = 1000  # tuning seeds count up from here; reporting seeds from 0


# The conditions of each benchmark beside si-C, synaptic intelligence with c = C.  Only ewc consolidates.
OTHERS = {"split_mnist": (), "permuted_mnist": ("ewc", "sgd", "dropout", "joint"), "cifar": ("scratch",)}


def strength_of_consolidation(condition: str) -> float | None:
    """The c of a condition si-C; None for any other."""
    match = re.fullmatch(r"si-(\d+(\.\d+)?)", condition)
    return float(match[1]) if match else None


def check_condition(benchmark: str, condition: str) -> None:
    """Raises ValueError for a condition that the benchmark does not have."""
    known = OTHERS[benchmark]
    if strength_of_consolidation(condition) is None and condition not in known:
        raise ValueError(
            f"{benchmark} has no condition {condition!r}; known are {', '.join(('si-C, such as si-0.1', *known))}"
        )


@dataclass(frozen=True)
class Training:
    """What the three benchmarks have in common: one network, one optimizer, one xi."""

    epochs: int
    batch: int
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    reset_optimizer: bool
    xi: float
    # another reading of the reset: Adam's moments start each task at zero, and its step count goes on
    reset_moments: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_positive(self, "learning_rate", "epsilon", "xi")
        if self.reset_moments and self.reset_optimizer:
            raise ValueError(
                "reset_moments: keeps the step count, which reset_optimizer does not; set one of them to false"
            )


@dataclass(frozen=True)
class SplitMnist(Training):
    """Section 5.1: five tasks of two digits each."""

    hidden: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "hidden")


@dataclass(frozen=True)
class PermutedMnist(Training):
    """Section 5.2: the same images with their pixels in another order in each task, and the baselines of Figure 4."""

    hidden: tuple[int, ...]
    tasks: int
    dropout_rate: float
    fisher_images: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "hidden")


@dataclass(frozen=True)
class Cifar(Training):
    """Section 5.3: CIFAR-10, then ten classes of CIFAR-100 per task."""

    cifar100_tasks: int
    channels: tuple[int, int]
    dense: int
    convolution_dropout_rate: float
    dense_dropout_rate: float

    @property
    def outputs(self) -> int:
        """Ten for CIFAR-10 and ten for every task of CIFAR-100."""
        return 10 * (1 + self.cifar100_tasks)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cifar100_tasks > 10:
            raise ValueError(f"cifar100_tasks: ten classes each make 10 tasks at most, not {self.cifar100_tasks}")


Benchmark = SplitMnist | PermutedMnist | Cifar


@dataclass(frozen=True)
class Tuning:
    """What the paper leaves open for the baselines of Figure 4, chosen on held-out training images."""

    tasks: int
    epochs: int
    held_out: int
    ewc_strengths: tuple[float, ...]
    sgd_learning_rates: tuple[float, ...]
    sgd_tasks: int

    def __post_init__(self) -> None:
        check_positive(self, "ewc_strengths", "sgd_learning_rates")
        if self.held_out >= 60000:
            raise ValueError(f"held_out must be below the 60000 training images of MNIST, not {self.held_out}")


@dataclass(frozen=True)
class Design:
    """Which runs there are: the conditions of each benchmark, and how many seeds of every condition.

    It is no part of what a run depends on, so that one more condition or seed leaves finished runs as they are.
    """

    split_mnist_conditions: tuple[str, ...]
    split_mnist_seeds: int
    permuted_mnist_conditions: tuple[str, ...]
    permuted_mnist_seeds: int
    cifar_conditions: tuple[str, ...]
    cifar_seeds: int

    def __post_init__(self) -> None:
        for benchmark in OTHERS:
            if not 1 <= self.seeds(benchmark) <= FIRST_TUNING_SEED:
                raise ValueError(
                    f"{benchmark}_seeds must lie from 1 to {FIRST_TUNING_SEED}, where tuning begins, "
                    f"not {self.seeds(benchmark)}"
                )
            for condition in self.conditions(benchmark):
                check_condition(benchmark, condition)

    def conditions(self, benchmark: str) -> tuple[str, ...]:
        """The conditions of a benchmark."""
        return getattr(self, f"{benchmark}_conditions")

    def seeds(self, benchmark: str) -> int:
        """How many seeds of every condition of a benchmark."""
        return getattr(self, f"{benchmark}_seeds")


@dataclass(frozen=True)
class Protocol:
    split_mnist: SplitMnist
    permuted_mnist: PermutedMnist
    cifar: Cifar
    tuning: Tuning
    design: Design
