"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROTOCOL = Path(__file__).with_suffix(".yaml")
PIXELS, DIGITS = 28 * 28, 10  # of MNIST
CIFAR_SIDE = 32
FIRST_TUNING_SEED = 1000  # tuning seeds count up from here; reporting seeds from 0


@dataclass(frozen=True)
class Training:
    """What the three benchmarks have in common: one network, one optimizer, one xi, and the conditions compared."""

    conditions: tuple[str, ...]
    seeds: int
    epochs: int
    batch: int
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    reset_optimizer: bool
    xi: float


@dataclass(frozen=True)
class SplitMnist(Training):
    """Section 5.1: five tasks of two digits each."""

    hidden: tuple[int, ...]


@dataclass(frozen=True)
class PermutedMnist(Training):
    """Section 5.2: the same images with their pixels in another order in each task, and the baselines of Figure 4."""

    hidden: tuple[int, ...]
    tasks: int
    dropout_rate: float
    fisher_images: int


@dataclass(frozen=True)
class Cifar(Training):
    """Section 5.3: CIFAR-10, then ten classes of CIFAR-100 per task."""

    cifar100_tasks: int
    channels: tuple[int, int]
    dense: int
    convolution_dropout_rate: float
    dense_dropout_rate: float


@dataclass(frozen=True)
class Tuning:
    """What the paper leaves open for the baselines of Figure 4, chosen on held-out training images."""

    tasks: int
    epochs: int
    held_out: int
    ewc_strengths: tuple[float, ...]
    sgd_learning_rates: tuple[float, ...]
    sgd_tasks: int


@dataclass(frozen=True)
class Protocol:
    split_mnist: SplitMnist
    permuted_mnist: PermutedMnist
    cifar: Cifar
    tuning: Tuning
