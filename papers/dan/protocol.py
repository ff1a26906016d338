"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROTOCOL = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class MetaTraining:
    """Algorithm 1: how synapses theta and phenotypes phi learn, and for how many sequences of sub-tasks."""

    theta_optimizer: str  # a key of method.OPTIMIZERS, like phi's
    theta_rate: float
    phi_optimizer: str
    phi_rate: float
    meta_batch: int
    population: int
    sequences: int
    tasks: int
    steps_per_task: int
    nodes: tuple[int, ...]
    skips: tuple[tuple[int, int], ...]
    n_channels: int

    def __post_init__(self) -> None:
        for start, end in self.skips:
            if not 0 <= start < end < len(self.nodes):
                raise ValueError(
                    f"skips: [{start}, {end}] does not lead to a later one of the {len(self.nodes)} layers of nodes, which "
                    "count from 0; change nodes and skips together"
                )


@dataclass(frozen=True)
class Regression(MetaTraining):
    """Incremental regression (Sections 3.1 and 4.1)."""

    hidden: tuple[int, ...]
    output_scale: float
    domain: float
    amplitude: float
    frequency: float
    offset: float


@dataclass(frozen=True)
class Images(MetaTraining):
    """Unsupervised class-incremental learning of images (Sections 3.2 and 4.2)."""

    convolutions: tuple[int, ...]
    dan_hidden: int
    retina: int
    images_per_task: int


@dataclass(frozen=True)
class Design:
    """Which runs there are, and what of them is measured."""

    seeds: int
    functions: int
    shown_functions: int
    evaluate_every: int
    grid_per_task: int
    sharing: tuple[str, ...]
    n_channels: tuple[int, ...]
    image_seeds: int
    image_conditions: tuple[str, ...]


@dataclass(frozen=True)
class Diagram:
    """The small network of Figure 1."""

    nodes: tuple[int, int, int]
    n_channels: int
    hidden: tuple[int, ...]
    steps: int


@dataclass(frozen=True)
class Protocol:
    """One section per experiment, and the design of all."""

    regression: Regression
    images: Images
    diagram: Diagram
    design: Design
