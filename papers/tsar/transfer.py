"""Domain transfer: one pass over 100 classes x 30 images, one image at a time, and how much of it is recalled on the way.

    python -m papers.tsar.transfer --scale smoke --condition grow --meta-learning-set rich --seeds 0-1 \\
        --imagenet data/smoke/imagenet.npz --models grow.pt --tuning tune.csv --out recall.csv

Writes recall after 1, 10, 20, ... classes for every seed (.csv) and the record (.json).
"""

from __future__ import annotations

import contextlib
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from common.data.files import atomic_write
from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from common.running.progress import Progress
from papers.tsar import data, saved_models
from papers.tsar.data import DatasetOnDevice
from papers.tsar.method import Optimizer, recall, transfer_context, transfer_step
from papers.tsar.model import LAYERS, Tsar, build
from papers.tsar.network import Context, Network, Parameters
from papers.tsar.protocol import META_LEARNING_SETS, Transfer, Widths
from papers.tsar.runs import REGISTER

Observer = Callable[[int, Context], None]


def learn_in_sequence(
    network: Network,
    images: DatasetOnDevice,
    settings: Transfer,
    learning_rate: float,
    seed: int,
    recall_after: tuple[int, ...],
    label: str,
    tuning: bool = False,
    observe: Observer | None = None,
) -> list[tuple[int, float]]:
    """Train the network in place on one random sequence of classes; return pairs of classes learned and recall.

    Class order, images and the last layer's reset depend on the seed alone. tuning: draw from the images kept for it;
    observe: is called at every step with its number and its context, before the update. Raises TrainingError if the loss
    is not finite where recall is measured.
    """
    pool, classes = data.tuning_pool(images.labels, tuning), range(settings.classes)
    random = generator(seed, "transfer stream")
    sequence = data.class_by_class(images.labels, classes, settings.images_per_class, random, pool)
    network.reset_for_transfer(generator(seed, "transfer reset"), settings.regulation_bias)
    optimizer = Optimizer(network, network.transfer_parameters(), learning_rate)
    inputs, labels = images.batch(sequence.flatten())
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
            curve.append((learned, recall(network, context, labels[: step + 1])))
    return curve


def fresh(condition: str, widths: Widths, seed: int, model: Parameters | None, device: torch.device) -> Network:
    """Return the network as meta-learning left it (model), or untrained, ready to be trained from there."""
    network = build(condition, widths, generator(seed, "network"))
    if model is not None:
        network.load_state_dict(model)
    return network.to(device)


@contextlib.contextmanager
def mask_recorder(path: Path | None, layer: str, network: Network, steps: int) -> Iterator[Observer | None]:
    """Yield an `observe` that writes a layer's mask of every training image to a .npy file, float16 [steps, weights].

    Yields None without a path. Raises TrainingError if the network has no masks.
    """
    if path is None:
        yield None
        return
    if not isinstance(network, Tsar):
        raise stage.TrainingError("--record-masks: this condition has no regulator, so there are no masks")
    index = LAYERS.index(layer)
    with atomic_write(path) as temporary:
        shape = (steps, network.mask_sizes[index])
        masks = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)

        def observe(step: int, context: Context) -> None:
            masks[step] = context[1 + index][0].detach().half().cpu().numpy()

        yield observe
        masks.flush()


def options(description: str) -> ArgumentParser:
    """Return the command line that tuning and transfer share."""
    parser = stage.parser(description)
    parser.add_argument("--condition", required=True, help="such as grow, sculpt, oml, scratch or bias4")
    parser.add_argument("--meta-learning-set", choices=META_LEARNING_SETS, required=True)
    parser.add_argument("--imagenet", required=True, help="prepared data set (.npz)")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="what meta_train saved; none for scratch")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    return parser


def best_learning_rate(table: Path, condition: str, meta_learning_set: str) -> float:
    """Return the learning rate with the highest mean recall over the tuning seeds; the larger one if two are equal.

    table: what tune wrote. Raises TrainingError if it does not hold this condition.
    """
    rows = tables.read(table)
    rows = rows[(rows.condition == condition) & (rows.meta_learning_set == meta_learning_set)]
    if rows.empty:
        raise stage.TrainingError(
            f"{table} holds no tuning of {condition}, {meta_learning_set}: run papers.tsar.tune for it"
        )
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
    condition, seeds = arguments.condition, arguments.seeds
    names = {"condition": condition, "meta_learning_set": arguments.meta_learning_set}
    job = stage.Job(REGISTER, "transfer", arguments, of=names | {"seeds": seeds})
    settings = job.settings.transfer
    images = data.imagenet(arguments.imagenet, job.device)
    rate = best_learning_rate(arguments.tuning, **names)
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    meta_learning_data, commits = saved_models.sources(arguments.models)
    rows = []
    with job.record(arguments.out, data=[images.about, *meta_learning_data], seeds=seeds) as measured:
        started = time.monotonic()
        for seed, model in models.items():
            network = fresh(condition, job.settings.network, seed, model, job.device)
            label = f"{condition} {arguments.meta_learning_set} seed {seed}"
            steps = settings.classes * settings.images_per_class
            with mask_recorder(arguments.record_masks, arguments.record_layer, network, steps) as observe:
                curve = learn_in_sequence(
                    network, images, settings, rate, seed, settings.recall_after, label, observe=observe
                )
            run = {"seed": seed, **names, "dataset": images.about["name"], "learning_rate": rate}
            rows += [run | {"classes": classes, "recall": recalled} for classes, recalled in curve]
        measured["meta_learning_commits"] = commits
        measured["seconds_per_run"] = (time.monotonic() - started) / len(seeds)
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
