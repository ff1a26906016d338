"""The types of protocol.yaml: one class per section, one field per hyperparameter.  The values and their sources are there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.protocol import ProtocolError

PROTOCOL = Path(__file__).with_suffix(".yaml")
FIRST_TUNING_SEED = 1000  # reporting seeds count from 0, tuning seeds from here

# Regular expressions of the names that build in model.py knows, and of the conditions of meta-learning.
TREATMENTS = r"grow|sculpt|oml|anml|scratch|no_regulation|bias-?\d+|reservoir-?\d+"
CONDITIONS = "rich|scarce"
DRAWINGS = 20  # of each Omniglot class


def _positive(section: Any, *names: str) -> None:
    """Raises ValueError naming a number of the section, or a list of them, that is not positive throughout."""
    for name in names:
        value = getattr(section, name)
        if min(value if isinstance(value, tuple) else (value,), default=0) <= 0:
            raise ValueError(f"{name} must be positive, not {value}")


def _known(kind: str, names: Iterable[str], known: str) -> None:
    """Raises ValueError for a name that the regular expression `known` does not match."""
    for name in names:
        if not re.fullmatch(known, name):
            names_known = known.replace(r"-?\d+", "<b>").replace("|", ", ")
            raise ValueError(f"unknown {kind} {name!r}; known are {names_known}")


@dataclass(frozen=True)
class Network:
    """Widths of the networks."""

    channels: int
    regulator_channels: int
    outputs: int
    oml_channels: int
    oml_hidden: int
    anml_channels: int
    anml_modulator_channels: int


@dataclass(frozen=True)
class MetaLearning:
    """Meta-learning on Omniglot with the OML protocol."""

    iterations: int
    rich_classes: int
    scarce_classes: int
    inner_images: int
    repeat_first_image: bool
    inner_learning_rate: float
    outer_images: int
    outer_learning_rate: float
    oml_inner_learning_rate: float
    oml_outer_learning_rate: float
    second_order: tuple[str, ...]
    log_every: int
    percentile_every: int
    percentile_classes: int

    def __post_init__(self) -> None:
        _positive(self, "iterations", "rich_classes", "scarce_classes", "inner_images", "outer_images")
        _positive(self, "inner_learning_rate", "outer_learning_rate")
        _positive(self, "oml_inner_learning_rate", "oml_outer_learning_rate")
        _positive(self, "log_every", "percentile_every", "percentile_classes")
        _known("treatment", self.second_order, TREATMENTS)
        if self.inner_images > DRAWINGS:
            raise ValueError(f"inner_images: a class has {DRAWINGS} drawings, not {self.inner_images}")
        if self.scarce_classes > self.rich_classes:
            raise ValueError(f"scarce_classes, {self.scarce_classes}, are more than rich_classes, {self.rich_classes}")
        if self.outer_images > self.scarce_classes * DRAWINGS:
            raise ValueError(
                f"outer_images: {self.scarce_classes} scarce classes have {self.scarce_classes * DRAWINGS} drawings, not "
                f"{self.outer_images}"
            )
        if self.log_every > self.iterations:
            raise ValueError(f"log_every, {self.log_every}, leaves the log of {self.iterations} iterations empty")


@dataclass(frozen=True)
class Transfer:
    """Domain transfer: one pass over a sequence of classes, one image at a time."""

    classes: int
    images_per_class: int
    recall_after: tuple[int, ...]
    regulation_bias: float
    learning_rates: tuple[float, ...]
    baseline_learning_rates: tuple[float, ...]

    def __post_init__(self) -> None:
        _positive(self, "classes", "images_per_class", "recall_after", "learning_rates", "baseline_learning_rates")
        if self.recall_after != tuple(sorted(set(self.recall_after))) or self.recall_after[-1] != self.classes:
            raise ValueError(
                f"recall_after must increase and end with the last class, {self.classes}, not {list(self.recall_after)}"
            )


@dataclass(frozen=True)
class Design:
    """Which runs there are."""

    seeds: int
    tuning_seeds: int
    seeds_per_job: int
    treatments: tuple[str, ...]
    sweep_biases: tuple[int, ...]
    conditions: tuple[str, ...]

    def __post_init__(self) -> None:
        _known("treatment", self.treatments, TREATMENTS)
        _known("condition", self.conditions, CONDITIONS)
        if min(self.seeds, self.tuning_seeds, self.seeds_per_job) < 1:
            raise ValueError("seeds, tuning_seeds and seeds_per_job must be at least 1")


@dataclass(frozen=True)
class Protocol:
    network: Network
    meta_learning: MetaLearning
    transfer: Transfer
    design: Design

    def __post_init__(self) -> None:
        for name, classes in (
            ("meta_learning.rich_classes", self.meta_learning.rich_classes),
            ("transfer.classes", self.transfer.classes),
        ):
            if classes > self.network.outputs:
                raise ProtocolError(
                    f"{name}: {classes} classes need as many network.outputs, not {self.network.outputs}"
                )
