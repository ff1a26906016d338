"""The schema of protocol.yaml: typed, so that a misspelt or missing hyperparameter is refused before any work begins."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

TASKS, DIGITS = 5, 10  # sub-tasks of the regression, and of the images: figures and claims are made for so many
OPTIMIZERS = ("adam", "sgd")
STARTED = ("dans", "vecs")  # whose weights can start as torch's layers do
SHARING = ("network", "layer", "none")  # who has a phenotype: all DANs one, each layer one, each DAN its own
# Terms of the meta-loss (Section 5): on what was seen so far (memory), on what was not (transfer).
TERMS = {"memory": (True, False), "transfer": (False, True), "both": (True, True)}
IMAGE_CONDITIONS = ("both", "memory", "random")  # the terms of the meta-loss, or no meta-training at all


class Deployed(NamedTuple):
    """A network of Figure 4 (top) in deployment."""

    meta_trained: bool  # else its phenotypes are random
    sharing: str  # one of SHARING
    plastic: bool  # whether its phenotypes learn in deployment as well


NETWORKS = {
    "net0": Deployed(meta_trained=True, sharing="network", plastic=False),
    "net1": Deployed(meta_trained=True, sharing="network", plastic=True),
    "net2": Deployed(meta_trained=False, sharing="network", plastic=False),
    "net3": Deployed(meta_trained=False, sharing="network", plastic=True),
    "net4": Deployed(meta_trained=False, sharing="none", plastic=False),
    "net5": Deployed(meta_trained=False, sharing="none", plastic=True),
}


def _known(what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: unknown {name!r}; known are {', '.join(known)}")


@dataclass(frozen=True)
class MetaTraining:
    """Algorithm 1: how synapses theta and phenotypes phi learn, and for how many sequences of sub-tasks."""

    theta_optimizer: str  # one of OPTIMIZERS, like phi's
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
    # whether the meta-gradient goes through theta's step, which must then be a plain one
    through_step: bool = field(default=False, kw_only=True)
    # whose weights start as torch's layers do, of STARTED; all others by Glorot's rule
    torch_start: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        _known("theta_optimizer", [self.theta_optimizer], OPTIMIZERS)
        _known("phi_optimizer", [self.phi_optimizer], OPTIMIZERS)
        _known("torch_start", self.torch_start, STARTED)
        if self.through_step and self.theta_optimizer != "sgd":
            raise ValueError(f"through_step: needs theta_optimizer sgd, not {self.theta_optimizer}; or set it to false")
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_channels < 1:
            raise ValueError(f"n_channels must be at least 1, not {self.n_channels}")
        if self.tasks != TASKS:
            raise ValueError(f"tasks: figures and claims are made for {TASKS} sub-tasks, not {self.tasks}")


@dataclass(frozen=True)
class Autoencoding(MetaTraining):
    """Unsupervised class-incremental learning of images by an autoencoder (Sections 3.2 and 4.2)."""

    convolutions: tuple[int, ...]
    dan_hidden: int
    retina: int
    images_per_task: int

    def __post_init__(self) -> None:
        super().__post_init__()
        side, least = (
            math.isqrt(max(self.n_channels, 0)),
            len(self.convolutions) + 3,
        )  # 2x2 convolutions, then a 3x3 pool
        if side**2 != self.n_channels or side < least:
            raise ValueError(
                f"n_channels: a DAN sees a square patch of at least {least}x{least}, not {self.n_channels}"
            )
        if math.isqrt(self.nodes[0]) ** 2 != self.nodes[0] or self.nodes[-1] != self.nodes[0]:
            raise ValueError(f"nodes: the first and the last layer are the pixels of a square image, not {self.nodes}")


@dataclass(frozen=True)
class Design:
    """Which runs there are, and what of them is measured."""

    seeds: int
    functions: int
    shown_functions: int
    averaged: int  # over how many of the last sequences of meta-training the phenotype deployed is the mean
    evaluate_every: int
    grid_per_task: int
    sharing: tuple[str, ...]
    n_channels: tuple[int, ...]
    image_seeds: int
    image_conditions: tuple[str, ...]

    def __post_init__(self) -> None:
        _known("sharing", self.sharing, SHARING)
        _known("image_conditions", self.image_conditions, IMAGE_CONDITIONS)
        if self.functions < max(2, self.shown_functions):  # of one there is no spread
            raise ValueError(
                f"functions: {self.functions} are too few to show {self.shown_functions} of them and a spread"
            )


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
    images: Autoencoding
    diagram: Diagram
    design: Design

    def __post_init__(self) -> None:
        if self.images.tasks != DIGITS:
            raise ValueError(f"images.tasks: Figure 2 is of {DIGITS} digits, not {self.images.tasks}")
        if self.design.averaged > (kept := min(self.regression.sequences, 100)):  # phenotypes.KEPT
            raise ValueError(
                f"design.averaged: the phenotypes of the last {kept} sequences are kept, not of {self.design.averaged}"
            )
