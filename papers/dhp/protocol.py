"""The schema of protocol.yaml, typed, so that what is misspelt or missing is refused before any work; and the conditions."""

from __future__ import annotations

from dataclasses import dataclass

from common.running.protocols import check_positive

PIXELS, CLASSES = 28 * 28, 10  # of MNIST; every data set of the mixture has ten classes as well
SIDE = 32  # of the mixture's images
FIRST_TUNING_SEED = 1000  # of the search for lambda; reporting seeds from 0
SETS = ("mnist", "notmnist", "fashion_mnist", "svhn", "cifar10")  # that the mixture can have
BENCHMARKS = ("permuted", "imbalanced", "split", "vision")
SWEPT = ("permuted", "imbalanced", "split")  # in Figure 4; these, and not the costly mixture, also have controls
FINETUNE, DHP = "finetune", "dhp"
CONSOLIDATED = ("si", "ewc", "mas")  # have a lambda
ESTIMATED = ("ewc", "mas")  # have an importance that is a mean over training images
WITH_DHP = {FINETUNE: DHP} | {name: f"dhp-{name}" for name in CONSOLIDATED}  # each baseline's counterpart
BASELINES = tuple(WITH_DHP)
METHODS = tuple(name for pair in WITH_DHP.items() for name in pair)  # in the order of Table I
TUNED, SINGLE, BOUNDED, NARROW, MOMENTUM, ADAM = "-tuned", "-single", "-bounded", "-narrow", "-momentum", "-adam"
STANDARDISED, BATCH, UNSCALED = "-standardised", "-batch", "-unscaled"
LOGGED = ("permuted", (DHP, DHP + STANDARDISED))  # the benchmark and conditions of Figure 3
CONDITIONS = (  # see `condition`
    *METHODS,
    *(name + TUNED for name in METHODS if name not in (FINETUNE, DHP)),
    *(name + SINGLE for name in BASELINES),
    *(name + BOUNDED for name in WITH_DHP.values()),
    *(name + other for other in (NARROW, NARROW + MOMENTUM, MOMENTUM, ADAM, STANDARDISED) for name in METHODS),
    *(name + pixels + BATCH for pixels in ("", STANDARDISED) for name in METHODS if name.endswith(ESTIMATED)),
    *(name + pixels + UNSCALED for pixels in ("", STANDARDISED) for name in METHODS if name.endswith("ewc")),
)
PUBLIC_BENCHMARK = {
    name + STANDARDISED + BATCH * name.endswith(ESTIMATED): name for name in METHODS
}  # its inputs, its Omega


@dataclass(frozen=True)
class Condition:
    """What a condition is: one row of Table I, or a control.

    plastic: whether the softmax layer is; consolidation: one of CONSOLIDATED, or None; tuned: lambda is that of our own
    search; single: a baseline without the second set of output weights; optimizer: "momentum", "adam", or None for the
    published one; bounded: eta is kept within [0, 1]; narrow: output weights start as narrow as a common layer's;
    standardised: the pixels of MNIST are; importance: "batch", from the gradients of whole batches, "unscaled", the same of EWC
    without the factor of the batch size, or None, from single examples.
    """

    plastic: bool = False
    consolidation: str | None = None
    tuned: bool = False
    single: bool = False
    optimizer: str | None = None
    bounded: bool = False
    narrow: bool = False
    standardised: bool = False
    importance: str | None = None


def condition(name: str) -> Condition:
    """Return what a condition's name says. Raises ValueError for a name that is not in CONDITIONS.

    name: "finetune", "dhp", "ewc", "si", "mas" or, with both, "dhp-ewc", ...; behind it may stand "-tuned" where
    something is consolidated, "-single" where nothing is plastic, "-bounded" where something is, and with all "-narrow",
    "-momentum", "-adam" or "-standardised"; with and without the latter "-batch" behind ewc and mas, "-unscaled" behind ewc.
    """
    if name not in CONDITIONS:
        raise ValueError(
            f"unknown condition {name!r}; known are finetune, dhp, {', '.join(CONSOLIDATED)}, dhp-{CONSOLIDATED[0]} and so on; "
            f"with {TUNED} where something is consolidated, with {SINGLE} where nothing is plastic, with {BOUNDED} where "
            f"something is, all with {NARROW}, {MOMENTUM}, {ADAM} or {STANDARDISED}, and {', '.join(ESTIMATED)} with {BATCH}"
        )
    parts = name.split("-")
    return Condition(
        plastic=DHP in parts,
        consolidation=next((part for part in parts if part in CONSOLIDATED), None),
        tuned="tuned" in parts,
        single="single" in parts,
        optimizer=next((part for part in parts if part in ("momentum", "adam")), None),
        bounded="bounded" in parts,
        narrow="narrow" in parts,
        standardised="standardised" in parts,
        importance=next((part for part in parts if part in ("batch", "unscaled")), None),
    )


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

    def __post_init__(self) -> None:
        check_positive(self, "learning_rate", "xi")


@dataclass(frozen=True)
class Permuted(Training):
    """Permuted MNIST, balanced or not."""

    tasks: int
    hidden: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "hidden")


@dataclass(frozen=True)
class Split(Training):
    """Split MNIST."""

    hidden: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "hidden")


@dataclass(frozen=True)
class Vision(Training):
    """One data set after the other; sets: their names in the catalogue."""

    sets: tuple[str, ...]
    channels: tuple[int, int]
    kernel: int
    padding: int
    dense: int

    def __post_init__(self) -> None:
        super().__post_init__()
        side = SIDE
        for _ in self.channels:
            side = (side + 2 * self.padding - self.kernel + 1) // 2
        if side < 1:
            raise ValueError(f"kernel: {self.kernel} leaves nothing of images of {SIDE}x{SIDE} in two convolutions")
        if unknown := [name for name in self.sets if name not in SETS]:
            raise ValueError(f"unknown data set {', '.join(map(repr, unknown))}; known are {', '.join(SETS)}")


Benchmark = Permuted | Split | Vision


@dataclass(frozen=True)
class Tuning:
    """The search for lambda, on held-out training images; ewc, si, mas: what is tried beside the published value.

    tasks: of the permuted benchmarks; held_out: how many training images of each set take the place of the test images.
    """

    tasks: int
    epochs: int
    held_out: int
    ewc: tuple[float, ...]
    si: tuple[float, ...]
    mas: tuple[float, ...]

    def __post_init__(self) -> None:
        check_positive(self, *CONSOLIDATED)
        if self.held_out >= 60000:
            raise ValueError(f"held_out must be below the 60000 training images of MNIST, not {self.held_out}")


@dataclass(frozen=True)
class Optimizers:
    """Those of the controls -momentum (beside each benchmark's learning rate) and -adam."""

    momentum: float
    adam_learning_rate: float

    def __post_init__(self) -> None:
        check_positive(self, "momentum", "adam_learning_rate")


@dataclass(frozen=True)
class Design:
    """Which runs there are; log_every: how many steps lie between two points of Figure 3."""

    seeds: int
    conditions: tuple[str, ...]
    controls: tuple[str, ...]
    etas: tuple[float, ...]
    eta_seeds: int
    log_every: int

    def __post_init__(self) -> None:
        check_positive(self, "etas")
        for name in ("seeds", "eta_seeds"):
            if not 1 <= getattr(self, name) <= FIRST_TUNING_SEED:
                allowed = f"lie from 1 to {FIRST_TUNING_SEED}, where tuning begins"
                raise ValueError(f"{name} must {allowed}, not {getattr(self, name)}")
        for name in (*self.conditions, *self.controls):
            condition(name)


@dataclass(frozen=True)
class Protocol:
    permuted: Permuted
    imbalanced: Permuted
    split: Split
    vision: Vision
    tuning: Tuning
    optimizers: Optimizers
    design: Design
