"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROTOCOL = Path(__file__).with_suffix(".yaml")
PIXELS, CLASSES = 28 * 28, 10  # of MNIST; every data set of the mixture has ten classes as well
SIDE = 32  # of the mixture's images
FIRST_TUNING_SEED = 1000  # of the search for lambda; reporting seeds from 0


@dataclass(frozen=True)
class Training:
    """How a benchmark trains; ewc, si, mas: the published lambda of each; eta: its initial value."""

    epochs: int
    batch: int
    learning_rate: float
    slope: float
    eta: float
    ewc: float
    si: float
    mas: float
    xi: float
    importance_images: int


@dataclass(frozen=True)
class Permuted(Training):
    """Permuted MNIST, balanced or not."""

    tasks: int
    hidden: tuple[int, ...]


@dataclass(frozen=True)
class Split(Training):
    """Split MNIST."""

    hidden: tuple[int, ...]


@dataclass(frozen=True)
class Vision(Training):
    """One data set after the other; sets: their names in the catalogue."""

    sets: tuple[str, ...]
    channels: tuple[int, int]
    kernel: int
    padding: int
    dense: int


@dataclass(frozen=True)
class Tuning:
    """The search for lambda, on held-out training images."""

    tasks: int
    epochs: int
    held_out: int
    ewc: tuple[float, ...]
    si: tuple[float, ...]
    mas: tuple[float, ...]


@dataclass(frozen=True)
class Design:
    """Which runs there are."""

    seeds: int
    conditions: tuple[str, ...]
    controls: tuple[str, ...]
    etas: tuple[float, ...]
    eta_seeds: int
    log_every: int


@dataclass(frozen=True)
class Protocol:
    permuted: Permuted
    imbalanced: Permuted
    split: Split
    vision: Vision
    tuning: Tuning
    design: Design
