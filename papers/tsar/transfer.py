"""Domain transfer: one pass over 100 classes x 30 images, one image at a time, and how much of it is recalled on the way.

    python -m papers.tsar.transfer --scale smoke --treatment grow --condition rich --seeds 0-1 \\
        --imagenet data/smoke/imagenet.npz --models grow.pt --tuning tune.csv --out recall.csv

Writes recall after 1, 10, 20, ... classes for every seed (.csv) and the provenance (.json).
"""

from __future__ import annotations

import contextlib
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common import device, metrics, protocol, records, stage
from common.progress import Progress
from common.randomness import generator
from common.streams import class_by_class
from papers.tsar import data, models
from papers.tsar.method import Optimizer, transfer_context, transfer_step
from papers.tsar.model import LAYERS, Context, Network, Parameters, Tsar, build
from papers.tsar.protocol import PROTOCOL, Protocol, Transfer

MASKS_AT_ONCE = (
    2**26
)  # mask values that one chunk of evaluated images may need: 256 MB, and some times that in temporaries


@torch.no_grad()
def recalled(network: Network, context: Callable[[slice], Context], labels: Tensor) -> Tensor:
    """Whether each image's largest logit, over all outputs, is its label: bool [n images]."""
    chunk = 256 if network.output is None else max(1, min(256, MASKS_AT_ONCE // len(network.output.bias)))
    parts = [slice(start, min(start + chunk, len(labels))) for start in range(0, len(labels), chunk)]
    return torch.cat([network.logits(network.fast, context(part)).argmax(1) == labels[part] for part in parts])


def learn_in_sequence(
    network: Network,
    images: data.Images,
    settings: Transfer,
    learning_rate: float,
    seed: int,
    tuning: bool,
    recall_after: tuple[int, ...],
    label: str,
    observe: Callable[[int, Context], None] | None = None,
) -> list[tuple[int, float]]:
    """Trains the network in place on one random sequence of classes; returns (classes learned, recall) pairs.

    Class order, images and the last layer's reset depend on the seed alone.  Tuning runs draw from images of their own.
    `observe` is called at every step with its number and its context, before the update.
    """
    pool = data.tuning_pool(images.labels, tuning)
    classes = range(settings.classes)
    stream = class_by_class(images.labels, classes, settings.images_per_class, generator(seed, "transfer stream"), pool)
    network.reset_for_transfer(generator(seed, "transfer reset"), settings.regulation_bias)
    optimizer = Optimizer(network, network.transfer_parameters(), learning_rate)
    inputs, labels = images.batch(stream.flatten())
    context = transfer_context(network, inputs)
    curve, progress = [], Progress(label, len(labels))
    for step in range(len(labels)):
        present = context(slice(step, step + 1))
        if observe is not None:
            observe(step, present)
        loss = transfer_step(network, present, labels[step : step + 1], optimizer)
        progress.advance()
        learned, partial = divmod(step + 1, settings.images_per_class)
        if not partial and learned in recall_after:
            if not torch.isfinite(loss):
                raise stage.TrainingError(f"{label}: the loss is {float(loss)} at step {step}; lower the learning rate")
            seen = slice(0, step + 1)
            correct = recalled(network, context, labels[seen]).view(learned, -1)
            curve.append((learned, float(metrics.recall(correct, learned))))
    return curve


def fresh(treatment: str, plan: Protocol, seed: int, model: Parameters | None, where: torch.device) -> Network:
    """The network as meta-learning left it (or untrained), ready to be trained again from there."""
    network = build(treatment, plan.network, generator(seed, "network"))
    if model is not None:
        network.load_state_dict(model)
    return network.to(where)


@contextlib.contextmanager
def mask_recorder(path: Path | None, layer: str, network: Network, steps: int) -> Iterator[Callable | None]:
    """An `observe` that writes one layer's mask of every training image to a .npy file, float16 [steps, weights]."""
    if path is None:
        yield None
        return
    if not isinstance(network, Tsar):
        raise stage.TrainingError("--record-masks: this treatment has no regulator, so there are no masks")
    part = network.layer(layer)
    with records.atomic_write(path) as temporary:
        shape = (steps, network.mask_sizes[LAYERS.index(layer)])
        masks = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)

        def observe(step: int, context: Context) -> None:
            masks[step] = context[1][0, part].detach().half().cpu().numpy()

        yield observe
        masks.flush()


def options(description: str) -> ArgumentParser:
    """The command line that tuning and transfer share."""
    parser = stage.parser(description)
    parser.add_argument("--treatment", required=True)
    parser.add_argument("--condition", choices=("rich", "scarce"), required=True)
    parser.add_argument("--imagenet", required=True, help="prepared data set (.npz)")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="what meta_train saved; none for scratch")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    return parser


def settings_behind(plan: Protocol) -> dict:
    """The protocol sections behind a result of tuning or transfer.

    Meta-learning's is one of them, since `models.load` takes no model with other settings; it stands there for Scratch
    too, so that one table has one protocol.
    """
    return {name: protocol.as_dict(getattr(plan, name)) for name in ("network", "meta_learning", "transfer")}


def best_learning_rate(table: Path, treatment: str, condition: str) -> float:
    """The learning rate with the highest mean recall over the tuning seeds; the larger one if two are equal."""
    rows = records.read_tables(table)
    rows = rows[(rows.treatment == treatment) & (rows.condition == condition)]
    if rows.empty:
        raise stage.TrainingError(f"{table} holds no tuning of {treatment}, {condition}: run papers.tsar.tune for it")
    mean = rows.groupby("learning_rate").recall.mean().sort_index(ascending=False)
    return float(mean.idxmax())


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--tuning", type=Path, required=True, help="the table that papers.tsar.tune wrote")
    parser.add_argument("--record-masks", type=Path, help="write a layer's masks before every update (.npy); one seed")
    parser.add_argument("--record-layer", choices=LAYERS, default="c3")
    arguments = parser.parse_args()
    if arguments.record_masks and len(arguments.seeds) > 1:
        parser.error("--record-masks takes one seed at a time")
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
    images = data.imagenet(arguments.imagenet, where)
    rate = best_learning_rate(arguments.tuning, arguments.treatment, arguments.condition)
    of_seed = models.load(arguments.models, arguments.seeds, arguments.treatment, arguments.condition, plan)
    behind, commits = models.sources(arguments.models)
    rows = []
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="tsar",
        stage="transfer",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol=settings_behind(plan),
        data=[images.about, *behind],
        device=where,
    ) as measured:
        started = time.monotonic()
        for seed, model in of_seed.items():
            network = fresh(arguments.treatment, plan, seed, model, where)
            label = f"{arguments.treatment} {arguments.condition} seed {seed}"
            steps = plan.transfer.classes * plan.transfer.images_per_class
            with mask_recorder(arguments.record_masks, arguments.record_layer, network, steps) as observe:
                curve = learn_in_sequence(
                    network, images, plan.transfer, rate, seed, False, plan.transfer.recall_after, label, observe
                )
            for classes, recall in curve:
                rows.append(
                    {
                        "seed": seed,
                        "treatment": arguments.treatment,
                        "condition": arguments.condition,
                        "dataset": images.about["name"],
                        "learning_rate": rate,
                        "classes": classes,
                        "recall": recall,
                    }
                )
        measured["meta_learning_commits"] = commits
        measured["seconds_per_run"] = (time.monotonic() - started) / len(arguments.seeds)
        records.write_table(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
