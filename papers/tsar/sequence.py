"""Domain transfer itself: one pass over a sequence of classes, one image at a time, and what is measured on the way."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.running import stage
from common.running.progress import Progress
from papers.tsar import data
from papers.tsar.data import DatasetOnDevice
from papers.tsar.method import Optimizer, recalled, replay_on, transfer_context, transfer_step
from papers.tsar.model import Tsar, build
from papers.tsar.network import Context, ContextOf, Network, Parameters
from papers.tsar.protocol import Transfer, Widths


class Observer(Protocol):
    """Looks on at every step, numbered from 0; context: of a slice or indices of the sequence, with the weights as they are."""

    def before(self, step: int, context: ContextOf) -> None:
        """Called before the update."""

    def after(self, step: int, context: ContextOf) -> None:
        """Called after it."""


class Measured(NamedTuple):
    """What was measured while a sequence of classes was learned; recall is from 0 to 1.

    curve: pairs of classes learned and recall of all their images; diagnostics: triples of classes learned, quantity and
    value, after every class but for the held-out accuracy, which is measured where recall is; final: recall after the last
    class, of each class by its label, in the order in which they were learned.
    """

    curve: list[tuple[int, float]]
    diagnostics: list[tuple[int, str, float]]
    final: dict[int, float]


def fresh(condition: str, widths: Widths, seed: int, model: Parameters | None, device: torch.device) -> Network:
    """Return the network as meta-learning left it (model), or untrained, ready to be trained from there."""
    network = build(condition, widths, generator(seed, "network"))
    if model is not None:
        network.load_state_dict(model)
    return network.to(device)


def drawn(images: DatasetOnDevice, settings: Transfer, seed: int, pool: Tensor, held_out: int = 0) -> Tensor:
    """Return indices of images of every class [classes, images per class + held_out], in the order that this seed gives.

    pool: indices of the images that may be drawn; held_out: how many more are drawn of each class, after those to learn.
    """
    count, random = settings.images_per_class + held_out, generator(seed, "transfer stream")
    return data.class_by_class(images.labels, range(settings.classes), count, random, pool)


def learn_in_sequence(
    network: Network,
    images: DatasetOnDevice,
    sequence: Tensor,
    recall_after: Collection[int],
    regulation_bias: float,
    learning_rate: float,
    seed: int,
    label: str,
    diagnose: bool = False,
    held_out: Tensor | None = None,
    observe: Observer | None = None,
) -> Measured:
    """Train the network in place on a sequence of classes; return what was measured on the way.

    sequence: indices of the images [classes, images per class] (`drawn`); recall_after: numbers of classes, the last of them
    all; regulation_bias: of the map to CP after its reset; seed: of the last layer's reset; label: for
    progress and errors; diagnose: measure `diagnostics` too, which takes an evaluation of each class; held_out: indices of
    images of the same classes [classes, n] that are not learned, whose accuracy is one of the diagnostics. Raises
    TrainingError if the loss is not finite where recall is measured.
    """
    network.reset_for_transfer(generator(seed, "transfer reset"), regulation_bias)
    optimizer = Optimizer(network, network.transfer_parameters(), learning_rate)
    inputs, labels = images.batch(sequence.flatten())
    count, context = sequence.shape[1], transfer_context(network, inputs)
    if held_out is not None:
        others, other_labels = images.batch(held_out.flatten())
        of_others = transfer_context(network, others)
    places, replay = torch.arange(len(labels), device=labels.device), replay_on(labels.device)

    def update(place: Tensor) -> Tensor:
        return transfer_step(network, context(place), labels[place], optimizer)

    measured, progress = Measured([], [], {}), Progress(label, len(labels))
    for learned, start in enumerate(range(0, len(labels), count), start=1):
        losses = []
        for step in range(start, start + count):
            place = places[step : step + 1]
            if observe is not None:
                observe.before(step, context)
            losses.append(replay(update, place).clone())
            if observe is not None:
                observe.after(step, context)
            progress.advance()
        if diagnose:
            own = slice(start, start + count)
            quantities = after_class(network, context(own), inputs[own], labels[own])
            quantities["loss"] = float(torch.stack(losses).mean())
            measured.diagnostics.extend((learned, quantity, value) for quantity, value in quantities.items())
        if learned in recall_after:
            if not torch.isfinite(losses[-1]):
                raise stage.TrainingError(
                    f"{label}: the loss is {float(losses[-1])} at step {step}; lower the learning rate"
                )
            right = recalled(network, context, labels[: start + count])
            measured.curve.append((learned, float(right.mean())))
            if held_out is not None:
                known = recalled(network, of_others, other_labels[: learned * held_out.shape[1]])
                measured.diagnostics.append((learned, "held-out accuracy", float(known.mean())))
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
