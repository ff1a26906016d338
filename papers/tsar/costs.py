"""What the stages cost; the factors are fitted to the kept runs (`recorded/`) and to the speed noted in TRIALS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common.running.costs import FLOAT, Cost, dense, seeds
from papers.tsar.protocol import OMNIGLOT_VARIANTS, VARIANTS, Protocol, Widths, grid_of_rates, initial_bias

SIDES = (26, 11, 3)  # of the maps that the three convolutions of a classifier give
OML_SIDES = (26, 24, 22, 10, 8, 3)
OPERATIONS, INNER = 400, 100  # small ones: of a meta-iteration or a step, and of each inner step
CONVOLUTIONS, OML_CONVOLUTIONS = 4.0, 1.5  # their products, beside those of large matrices; OML's have no normalisation
SECOND_ORDER = 4  # an inner step of second order, beside one of first
MASK_PASSES = 60  # through all masks of an image: convolutions with masked weights and their gradients
ACTIVITY, WINDOW = 15_000, 7_000  # bytes a mask and step: all that is noted of the activity, and the window alone
FAST_PASSES = 6  # through the fast parameters in an inner step
FACTORED_ADAM, STEP = (
    6 * FLOAT,
    7 * FLOAT,
)  # bytes a weight of the regulator's map: of an update, and of a transfer step


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    condition, settings = job["condition"], protocol.transfer
    steps = settings.classes * settings.images_per_class
    recalled = settings.images_per_class * sum(settings.recall_after)
    if stage == "meta_train":
        return _meta_learning(condition, protocol, int(job["iterations"])).times(seeds(job))
    if stage == "tune":
        runs = len(getattr(settings, grid_of_rates(condition)))
        return _transfer(condition, protocol.network, steps, recalled).times(runs * seeds(job))
    if stage == "variants":
        return _transfer(condition, protocol.network, steps, recalled, WINDOW).times(len(VARIANTS) * seeds(job))
    if stage == "omniglot":
        sizes = protocol.omniglot
        steps, variants = sizes.classes * sizes.images_per_class, 1
        recalled = steps + sizes.classes * sizes.held_out_images
        if condition == "grow":  # one of its variants sees all images several times
            variants = len(OMNIGLOT_VARIANTS)
            steps *= variants - 1 + sizes.epochs
        return _transfer(condition, protocol.network, steps, recalled * variants).times(seeds(job))
    noted = ACTIVITY if "activity" in job else 0.0  # held-out images are recalled too, and each class once learned
    return _transfer(condition, protocol.network, steps, 2 * recalled + steps, noted).times(seeds(job))


def _meta_learning(condition: str, protocol: Protocol, iterations: int) -> Cost:
    """Return what one model's meta-learning costs: masks or features of all images, the inner loop, and Adam."""
    settings, size = protocol.meta_learning, _Size.of(condition, protocol.network)
    inner = settings.inner_images + settings.repeat_first_image
    outer = settings.inner_images + settings.outer_images
    order = SECOND_ORDER if condition in settings.second_order else 1
    return (
        Cost(
            flop=6 * (outer * (size.slow + size.fast) + order * inner * size.fast),
            traffic=FACTORED_ADAM * size.parameters
            + FLOAT * (MASK_PASSES * outer * size.masks + FAST_PASSES * order * inner * size.fast_parameters),
            operations=OPERATIONS + INNER * order * inner,
        )
        .times(iterations)
        ._replace(models=FLOAT * size.parameters, state=3 * FLOAT * size.parameters)
    )


def _transfer(condition: str, widths: Widths, steps: int, recalled: int, noted: float = 0.0) -> Cost:
    """Return what a transfer of so many steps costs; recalled: images evaluated; noted: bytes of a mask in each step."""
    size = _Size.of(condition, widths)
    regulated = size.masks > 0
    return Cost(
        flop=2 * recalled * (size.slow * regulated + size.fast) + 6 * steps * size.fast,
        traffic=steps * (STEP * (size.parameters if regulated else size.fast_parameters) + noted * size.masks)
        + recalled * FLOAT * 4 * size.masks,
        operations=OPERATIONS * steps,
    )


class _Size(NamedTuple):
    """Of a network: products of an image through its slow and its fast part, parameters of all and of the fast part, masks."""

    slow: float
    fast: float
    parameters: float
    fast_parameters: float
    masks: float = 0.0

    @classmethod
    def of(cls, condition: str, widths: Widths) -> _Size:
        """Return the sizes of the network of a condition."""
        masks = sum(widths.mask_sizes.values())
        head = widths.outputs * widths.channels
        own = CONVOLUTIONS * _convolutions(widths.channels, SIDES)
        if initial_bias(condition) is not None:
            made = masks * 9 * widths.regulator_channels
            perception = CONVOLUTIONS * _convolutions(widths.regulator_channels, SIDES)
            return cls(made + perception, own + head, made + 2 * masks, masks, masks)
        if condition == "oml":
            channels = widths.oml_channels
            slow, layers = (
                OML_CONVOLUTIONS * _convolutions(channels, OML_SIDES),
                dense((9 * channels, widths.oml_hidden, widths.outputs)),
            )
            return cls(slow, layers, layers + 45 * channels**2, layers)
        if condition == "anml":
            channels, modulator = widths.anml_channels, widths.anml_modulator_channels
            gate = 81 * channels * modulator
            slow = CONVOLUTIONS * _convolutions(modulator, SIDES) + gate
            head = 9 * channels * widths.outputs
            fast = 2 * CONVOLUTIONS * _convolutions(channels, SIDES) + head
            return cls(slow, fast, gate + 18 * (modulator**2 + channels**2) + head, 18 * channels**2 + head)
        if condition == "scratch":
            return cls(0.0, own + head, masks, masks)
        return cls(own, head, masks, head)


def _convolutions(channels: int, sides: Sequence[int]) -> float:
    """Return how many products a stack of convolutions of 3x3 needs for an image of three channels."""
    first, *others = (9 * channels * side**2 for side in sides)
    return 3 * first + channels * sum(others)
