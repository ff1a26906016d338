"""The types of protocol.yaml: one class per section, one field per hyperparameter.  The values and their sources are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROTOCOL = Path(__file__).with_suffix(".yaml")
FIRST_TUNING_SEED = 1000  # reporting seeds count from 0, tuning seeds from here

# Regular expressions of the names that build in model.py knows, and of the conditions of meta-learning.
TREATMENTS = r"grow|sculpt|oml|anml|scratch|no_regulation|bias-?\d+|reservoir-?\d+"
CONDITIONS = "rich|scarce"


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


@dataclass(frozen=True)
class Transfer:
    """Domain transfer: one pass over a sequence of classes, one image at a time."""

    classes: int
    images_per_class: int
    recall_after: tuple[int, ...]
    regulation_bias: float
    learning_rates: tuple[float, ...]
    baseline_learning_rates: tuple[float, ...]


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
        for kind, names, known in (
            ("treatment", self.treatments, TREATMENTS),
            ("condition", self.conditions, CONDITIONS),
        ):
            for name in names:
                if not re.fullmatch(known, name):
                    names_known = known.replace(r"-?\d+", "<b>").replace("|", ", ")
                    raise ValueError(f"unknown {kind} {name!r}; known are {names_known}")
        if min(self.seeds, self.tuning_seeds, self.seeds_per_job) < 1:
            raise ValueError("seeds, tuning_seeds and seeds_per_job must be at least 1")


@dataclass(frozen=True)
class Protocol:
    network: Network
    meta_learning: MetaLearning
    transfer: Transfer
    design: Design
