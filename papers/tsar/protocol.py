"""The types of protocol.yaml, one class a section and one field a hyperparameter, and what the names of conditions mean.

The values and their sources are in protocol.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.running.protocols import ProtocolError, check_positive

FIRST_TUNING_SEED = 1000  # reporting seeds count from 0, tuning seeds from here
DRAWINGS = 20  # of each Omniglot class
FEWEST_CLASSES = 21  # of transfer: Figure 5 looks ten classes back and ten ahead
FEWEST_IMAGES = 31  # more than the perplexity of Figure 10's t-SNE

# bias<b>: TSAR with the initial regulatory bias b; reservoir<b>: the same, but its regulator never learns.
REGULATED = r"grow|sculpt|bias-?\d+|reservoir-?\d+"  # regular expressions
CONDITIONS = rf"{REGULATED}|oml|anml|scratch|no_regulation"
NAMED_BIASES = {"grow": -8, "sculpt": 0}
META_LEARNING_SETS = ("rich", "scarce")
# Transfer with one thing changed: what is learned are a class's images with the highest mean C3 mask before transfer, those
# with the lowest, or as many of both; or of the regulator's maps the one to CP alone learns.
VARIANTS = ("enhancing", "diminishing", "mixed", "cp_only")
OMNIGLOT_VARIANTS = ("plain", "cp_only", "cp_only_iid")  # iid: all images in random order, in several epochs


def check_conditions(names: Iterable[str]) -> None:
    """Raise ProtocolError for a name that no condition has."""
    for name in names:
        if not re.fullmatch(CONDITIONS, name):
            known = CONDITIONS.replace(r"-?\d+", "<b>").replace("|", ", ")
            raise ProtocolError(f"unknown condition {name!r}; known are {known}")


def initial_bias(condition: str) -> int | None:
    """Return the bias that a regulator starts from: -8 for "grow", 4 for "bias4" and "reservoir4"; None without one."""
    match = re.fullmatch(r"(?:bias|reservoir)(-?\d+)", condition)
    return int(match[1]) if match else NAMED_BIASES.get(condition)


def with_initial_bias(bias: int) -> str:
    """Return the condition whose regulator starts from a bias, and learns: "grow" for -8, "bias4" for 4."""
    return next((name for name, named in NAMED_BIASES.items() if named == bias), f"bias{bias}")


def grid_of_rates(condition: str) -> str:
    """Return which setting of `transfer` holds the learning rates that are tried for a condition."""
    return "baseline_learning_rates" if initial_bias(condition) is None else "learning_rates"


@dataclass(frozen=True)
class Widths:
    """Widths of the networks."""

    channels: int
    regulator_channels: int
    outputs: int
    oml_channels: int
    oml_hidden: int
    anml_channels: int
    anml_modulator_channels: int

    @property
    def mask_sizes(self) -> dict[str, int]:
        """How many weights, and so masks, each layer of the classifier has."""
        inner = 9 * self.channels**2
        return {"c1": 27 * self.channels, "c2": inner, "c3": inner, "cp": self.outputs * self.channels}


@dataclass(frozen=True)
class MetaLearning:
    """Meta-learning on Omniglot with the OML protocol."""

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
        check_positive(self, "inner_learning_rate", "outer_learning_rate")
        check_positive(self, "oml_inner_learning_rate", "oml_outer_learning_rate")
        check_conditions(self.second_order)
        if self.inner_images > DRAWINGS:
            raise ValueError(f"inner_images: a class has {DRAWINGS} drawings, not {self.inner_images}")
        if self.scarce_classes > self.rich_classes:
            raise ValueError(f"scarce_classes, {self.scarce_classes}, are more than rich_classes, {self.rich_classes}")
        if self.outer_images > self.scarce_classes * DRAWINGS:
            raise ValueError(
                f"outer_images: {self.scarce_classes} scarce classes have {self.scarce_classes * DRAWINGS} drawings, not "
                f"{self.outer_images}"
            )


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
        check_positive(self, "recall_after", "learning_rates", "baseline_learning_rates")
        if self.classes > 100:
            raise ValueError(f"classes: each of the data sets that are transferred to has 100, not {self.classes}")
        if self.images_per_class > 50:  # a tenth of CIFAR-100's 500
            raise ValueError(f"images_per_class: 50 of CIFAR-100 are left to tune on, not {self.images_per_class}")
        if self.recall_after != tuple(sorted(set(self.recall_after))) or self.recall_after[-1] != self.classes:
            raise ValueError(
                f"recall_after must increase and end with the last class, {self.classes}, not {list(self.recall_after)}"
            )


@dataclass(frozen=True)
class Omniglot:
    """Unseen Omniglot classes, learned one after the other; epochs: of the reference that sees all in random order."""

    classes: int
    images_per_class: int
    held_out_images: int
    epochs: int

    def __post_init__(self) -> None:
        if self.images_per_class + self.held_out_images > DRAWINGS:
            raise ValueError(
                f"a class has {DRAWINGS} drawings, fewer than images_per_class, {self.images_per_class}, and "
                f"held_out_images, {self.held_out_images}"
            )


@dataclass(frozen=True)
class Analysis:
    """What is noted of the regulation under transfer, for Figures 2 to 19."""

    thresholds: tuple[float, ...]
    synapses_in_pairs: int
    synapses_in_window: int
    images_in_window: int
    earlier_images: int

    def __post_init__(self) -> None:
        for threshold in self.thresholds:
            if not 0 < threshold < 1:
                raise ValueError(f"thresholds: {threshold} does not lie between 0 and 1, as masks do")


@dataclass(frozen=True)
class Design:
    """Which runs there are.

    meta_iterations: the lengths of meta-learning after which models are kept; a first 0 stands for untrained networks. The last is
    the whole length, of which the paper speaks. Grow and Sculpt, on rich data, are transferred after each of them, all
    others after the last alone.
    """

    meta_iterations: tuple[int, ...]
    seeds: int
    tuning_seeds: int
    seeds_per_job: int
    conditions: tuple[str, ...]
    sweep_biases: tuple[int, ...]
    meta_learning_sets: tuple[str, ...]
    control_conditions: tuple[str, ...]
    omniglot_conditions: tuple[str, ...]

    def __post_init__(self) -> None:
        check_conditions(self.conditions + self.control_conditions + self.omniglot_conditions)
        if unknown := set(self.meta_learning_sets) - set(META_LEARNING_SETS):
            known = ", ".join(META_LEARNING_SETS)
            raise ValueError(f"unknown meta-learning set {min(unknown)!r}; known are {known}")
        if self.meta_iterations != tuple(sorted(set(self.meta_iterations))):
            raise ValueError(f"meta_iterations must increase, not {list(self.meta_iterations)}")
        if self.meta_iterations == (0,):
            raise ValueError(
                "meta_iterations must have a length of meta-learning besides 0, that of untrained networks"
            )
        if self.seeds > FIRST_TUNING_SEED:
            raise ValueError(f"seeds must be at most {FIRST_TUNING_SEED}, where tuning begins, not {self.seeds}")


@dataclass(frozen=True)
class Protocol:
    """All of protocol.yaml."""

    network: Widths
    meta_learning: MetaLearning
    transfer: Transfer
    omniglot: Omniglot
    analysis: Analysis
    design: Design

    def __post_init__(self) -> None:
        for name, classes in (
            ("meta_learning.rich_classes", self.meta_learning.rich_classes),
            ("transfer.classes", self.transfer.classes),
            ("omniglot.classes", self.omniglot.classes),
        ):
            if classes > self.network.outputs:
                raise ProtocolError(
                    f"{name}: {classes} classes need as many network.outputs, not {self.network.outputs}"
                )
        learned = self.transfer
        if learned.classes < FEWEST_CLASSES or learned.classes * learned.images_per_class < FEWEST_IMAGES:
            raise ProtocolError(
                f"transfer.classes: {learned.classes} with transfer.images_per_class, {learned.images_per_class}, are too few "
                f"for Figures 5 and 10; give at least {FEWEST_CLASSES} classes, and {FEWEST_IMAGES} images in all"
            )
        if (every := self.meta_learning.log_every) > (first := next(filter(None, self.design.meta_iterations))):
            raise ProtocolError(f"meta_learning.log_every, {every}, leaves the log of {first} iterations empty")
