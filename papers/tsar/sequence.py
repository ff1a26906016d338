"""Domain transfer itself: one pass over a sequence of classes, one image at a time, and what is measured on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.running import stage
from common.running.progress import Progress
from papers.tsar import data
from papers.tsar.data import DatasetOnDevice
from papers.tsar.method import Optimizer, recalled, replay_on, transfer_context, transfer_step
from papers.tsar.model import Tsar, build
from papers.tsar.network import Context, Network, Parameters
from papers.tsar.protocol import Transfer, Widths

Observer = Callable[[int, Context], None]


class Measured(NamedTuple):
    """What was measured while a sequence of classes was learned; recall is from 0 to 1.

    curve: pairs of classes learned and recall of all their images; diagnostics: triples of classes learned, quantity and
    value, none if they were not asked for; final: recall after the last class, of each class by its label, in the order
    in which they were learned; sequence: the indices of the images, in order.
    """

    curve: list[tuple[int, float]]
    diagnostics: list[tuple[int, str, float]]
    final: dict[int, float]
    sequence: Tensor


def fresh(condition: str, widths: Widths, seed: int, model: Parameters | None, device: torch.device) -> Network:
    """Return the network as meta-learning left it (model), or untrained, ready to be trained from there."""
    network = build(condition, widths, generator(seed, "network"))
    if model is not None:
        network.load_state_dict(model)
    return network.to(device)


def learn_in_sequence(
    network: Network,
    images: DatasetOnDevice,
    settings: Transfer,
    learning_rate: float,
    seed: int,
    label: str,
    tuning: bool = False,
    diagnose: bool = False,
    observe: Observer | None = None,
) -> Measured:
    """Train the network in place on one random sequence of classes; return what was measured on the way.

    Class order, images and the last layer's reset depend on the seed alone. label: for progress and errors; tuning: draw
    from the images kept for it; diagnose: measure `diagnostics` too, which takes an evaluation of each class; observe: is
    called at every step with its number and its context, before the update. Raises TrainingError if the loss is not finite
    where recall is measured.
    """
    pool, classes, count = data.tuning_pool(images.labels, tuning), range(settings.classes), settings.images_per_class
    sequence = data.class_by_class(images.labels, classes, count, generator(seed, "transfer stream"), pool)
    network.reset_for_transfer(generator(seed, "transfer reset"), settings.regulation_bias)
    optimizer = Optimizer(network, network.transfer_parameters(), learning_rate)
    inputs, labels = images.batch(sequence := sequence.flatten())
    context = transfer_context(network, inputs)
    places, replay = torch.arange(len(labels), device=labels.device), replay_on(labels.device)

    def update(place: Tensor) -> Tensor:
        return transfer_step(network, context(place), labels[place], optimizer)

    measured, progress = Measured([], [], {}, sequence), Progress(label, len(labels))
    for learned, start in enumerate(range(0, len(labels), count), start=1):
        losses = []
        for step in range(start, start + count):
            place = places[step : step + 1]
            if observe is not None:
                with torch.no_grad():
                    observe(step, context(place))
            losses.append(replay(update, place).clone())
            progress.advance()
        if diagnose:
            own = slice(start, start + count)
            quantities = after_class(network, context(own), inputs[own], labels[own])
            quantities["loss"] = float(torch.stack(losses).mean())
            measured.diagnostics.extend((learned, quantity, value) for quantity, value in quantities.items())
        if learned in settings.recall_after:
            if not torch.isfinite(losses[-1]):
                raise stage.TrainingError(
                    f"{label}: the loss is {float(losses[-1])} at step {step}; lower the learning rate"
                )
            right = recalled(network, context, labels[: start + count])
            measured.curve.append((learned, float(right.mean())))
    measured.final.update(zip(labels[::count].tolist(), right.view(-1, count).mean(1).tolist(), strict=True))
    return measured


@torch.no_grad()
def after_class(network: Network, context: Context, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Return what tells loss of plasticity from forgetting, from the images of the class just learned.

    Its recall, and the mean input of the last layer ("feature"). Of TSAR also the mean mask of that layer and the share of
    the perception module's outputs above 0 ("active encodings"). context: of the images [B, 3, 28, 28].
    """
    features = network.features(network.fast, context)
    right = network.predict(network.fast, features, context).argmax(1) == labels
    quantities = {"recall of the class": _mean(right), "feature": _mean(features)}
    if isinstance(network, Tsar):
        quantities |= {"CP mask": _mean(context[-1]), "active encodings": _mean(network.encode(images) > 0)}
    return quantities


def _mean(values: Tensor) -> float:
    return float(values.double().mean())
