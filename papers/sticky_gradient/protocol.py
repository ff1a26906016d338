"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

from dataclasses import dataclass

from papers.sticky_gradient.readings import reading

PIXELS, DIGITS = 28 * 28, 10  # of MNIST
WIDTH = 0.01  # of a bin in which weights are counted (Figure 5)
SHARED_PIXELS = ("same", "redrawn")  # in all tasks, or for each task
FIRST_TUNING_SEED = 1000  # of searches, and of the runs that the reading was chosen by; reporting seeds from 0
FIRST_COMPARED_SEED = FIRST_TUNING_SEED + 1  # readings are compared on seeds that none was chosen on


@dataclass(frozen=True)
class Training:
    """Permuted MNIST as all networks train on it (Table 2)."""

    hidden: int
    tasks: int
    epochs: int
    batch: int
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    ewc_strength: float
    fisher_images: int


@dataclass(frozen=True)
class Attractor:
    """The learned hyperparameters phi (Table 1)."""

    a1: float
    mu: float
    sigma: float
    gamma: float
    zeta: float
    lambda_: float

    def __post_init__(self) -> None:
        if self.sigma <= 0 or self.gamma <= 0:
            raise ValueError(f"sigma and gamma must be positive, not {self.sigma} and {self.gamma}")


HYPERPARAMETERS = tuple(Attractor.__dataclass_fields__)
PUBLISHED, NO_METHOD = -1, -2  # the "trials" of Table 1's values and of the control, judged beside a search's


@dataclass(frozen=True)
class Search:
    """The meta-search of Section 2.1: ranges of Table 3, log-uniform; held_out: training images that it is judged on."""

    trials: int
    held_out: int
    a1: tuple[float, float]
    mu: tuple[float, float]
    sigma: tuple[float, float]
    gamma: tuple[float, float]
    zeta: tuple[float, float]
    lambda_: tuple[float, float]

    def __post_init__(self) -> None:
        if self.held_out >= 60000:
            raise ValueError(f"held_out must be below the 60000 training images of MNIST, not {self.held_out}")
        for name in HYPERPARAMETERS:
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name}: a range for a logarithm must be positive and rise, not [{low}, {high}]")


def fraction(shared: float) -> float:
    """Return a fraction of shared pixels. Raises ValueError if it is none."""
    if not 0 <= shared <= 1:
        raise ValueError(f"the fraction of shared pixels must lie from 0 to 1, not at {shared}")
    return shared


@dataclass(frozen=True)
class Design:
    """Which runs there are.

    seeds: number of those that are reported; reading: of all figures; readings: those that are searched, `reading` among
    them; compared, compared_seeds: readings that are compared, and on how many seeds of their own; shared: fractions of
    pixels left in place (Figure 4); shared_pixels: one of SHARED_PIXELS.
    """

    seeds: int
    reading: str
    readings: tuple[str, ...]
    compared: tuple[str, ...]
    compared_seeds: int
    shared: tuple[float, ...]
    shared_pixels: str

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= FIRST_TUNING_SEED:
            raise ValueError(f"seeds must lie from 1 to {FIRST_TUNING_SEED}, where tuning begins, not {self.seeds}")
        for name in (self.reading, *self.readings, *self.compared):
            reading(name)
        if self.reading not in self.readings:
            raise ValueError(
                f"readings must name {self.reading!r}, whose search gives the figures their hyperparameters"
            )
        for level in self.shared:
            fraction(level)
        if self.shared_pixels not in SHARED_PIXELS:
            raise ValueError(f"shared_pixels must be one of {', '.join(SHARED_PIXELS)}, not {self.shared_pixels!r}")


@dataclass(frozen=True)
class Protocol:
    training: Training
    attractor: Attractor
    search: Search
    design: Design
