"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROTOCOL = Path(__file__).with_suffix(".yaml")
PIXELS, DIGITS = 28 * 28, 10  # of MNIST
FIRST_TUNING_SEED = 1000  # of searches and trials of readings; reporting seeds from 0


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


@dataclass(frozen=True)
class Reading:
    """What the paper leaves open; its name lists the choices, such as "unit-gradient-mean" or "centred-step-sum-fanout-biases".

    inputs: "unit" (pixels / 255), "centred" (in [-1, 1]) or "standardised" (mean 0, sd 1). multiplied: what f
    multiplies, the "gradient" (before Adam's moments) or the "step" (that Adam makes). l1: the "sum" or the "mean" of
    |theta| over all parameters it acts on, or "none". outside: the gradient of L1 is added after the multiplication (the
    text), not multiplied as well (Algorithm 1). biases: multiplier, L1 and smart initialisation act on biases too. start:
    the initialisation of the control and of EWC, see `model.Perceptron`. ewc: one penalty around the end of each task
    ("summed"), one around the end of the last ("online"), or "public", see `consolidation.ReestimatedEwc`, which starts
    from its library's initialisation, too.
    """

    inputs: str
    multiplied: str
    l1: str
    outside: bool = False
    biases: bool = False
    start: str = "fanin"
    ewc: str = "summed"


REQUIRED = {
    "inputs": ("unit", "centred", "standardised"),
    "multiplied": ("gradient", "step"),
    "l1": ("sum", "mean", "none"),
}
OPTIONS: dict[str, tuple[str, Any]] = {  # what may follow, each at most once, and which field it sets to what
    "outside": ("outside", True),
    "biases": ("biases", True),
    "fanout": ("start", "fanout"),
    "library": ("start", "library"),
    "online": ("ewc", "online"),
    "public": ("ewc", "public"),
}


def reading(name: str) -> Reading:
    """The reading of this name. Raises ValueError for a name that is none."""
    chosen, options = name.split("-")[:3], name.split("-")[3:]
    known = [part in parts for part, parts in zip(chosen, REQUIRED.values())] + [part in OPTIONS for part in options]
    fields = [OPTIONS[part][0] for part in options if part in OPTIONS]
    if len(chosen) < 3 or not all(known) or len(set(fields)) < len(fields):
        raise ValueError(
            f"unknown reading {name!r}: write one of {', one of '.join(', '.join(parts) for parts in REQUIRED.values())}, "
            f"and any of {', '.join(OPTIONS)} that do not contradict each other, joined by '-'"
        )
    inputs, multiplied, l1 = chosen
    return Reading(inputs, multiplied, l1, **dict(OPTIONS[part] for part in options))


PARTS = ("sticky", "l1", "smart")  # of the method, in the order in which a condition's name lists them


def parts(condition: str) -> frozenset[str]:
    """What is on in a condition: nothing in "control", "ewc", or parts of the method, as in "sticky-smart".

    Raises ValueError for a condition that does not exist.
    """
    if condition in ("control", "ewc"):
        return frozenset() if condition == "control" else frozenset({"ewc"})
    named = condition.split("-")
    if not condition or condition != "-".join(part for part in PARTS if part in named):
        raise ValueError(f"unknown condition {condition!r}; known are control, ewc and parts of {'-'.join(PARTS)}")
    return frozenset(named)


@dataclass(frozen=True)
class Search:
    """The meta-search of Section 2.1: ranges of Table 3, log-uniform."""

    trials: int
    held_out: int
    a1: tuple[float, float]
    mu: tuple[float, float]
    sigma: tuple[float, float]
    gamma: tuple[float, float]
    zeta: tuple[float, float]
    lambda_: tuple[float, float]


@dataclass(frozen=True)
class Design:
    """Which runs there are."""

    seeds: int
    reading: str
    readings: tuple[str, ...]
    shared: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in (self.reading, *self.readings):
            reading(name)


@dataclass(frozen=True)
class Protocol:
    training: Training
    attractor: Attractor
    search: Search
    design: Design
