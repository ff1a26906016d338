"""Hundreds of unseen Omniglot classes, learned one after the other, and accuracy on drawings that were not learned.

    python -m papers.tsar.omniglot --scale smoke --condition grow --meta-learning-set rich --iterations 12 --seeds 0-1 \\
        --images data/smoke/omniglot.npz --models grow.pt --tuning tune.csv --out omniglot.csv

Classes are those of the evaluation set, which meta-learning does not see. Grow also runs with fixed maps to C1, C2 and C3
("cp_only"), and so on all drawings in random order, epoch by epoch ("cp_only_iid"). The learning rate is the one tuned for
ImageNet. Writes both accuracies after the last class (.csv) and the record (.json).
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from papers.tsar import data, saved_models
from papers.tsar.model import CONVOLUTIONS, Tsar
from papers.tsar.protocol import OMNIGLOT_VARIANTS
from papers.tsar.runs import REGISTER
from papers.tsar.sequence import fresh, learn_in_sequence
from papers.tsar.tune import best_learning_rate, names_of, options, run_of


def drawn(labels: Tensor, classes: int, images: int, held_out: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return indices of the drawings to learn [classes, images], and of others of the same classes [classes, held_out].

    labels: of all drawings. Classes, their order and their drawings are random. Raises ValueError if there are too few.
    """
    random, known = generator(seed, "omniglot stream"), labels.cpu().unique()
    if classes > len(known):
        raise ValueError(f"omniglot.classes: the evaluation set has {len(known)} classes, not {classes}")
    chosen = known[torch.randperm(len(known), generator=random)[:classes]].tolist()
    indices = data.class_by_class(labels, chosen, images + held_out, random, torch.arange(len(labels)))
    return indices[:, :images], indices[:, images:]


def shuffled(sequence: Tensor, epochs: int, seed: int) -> Tensor:
    """Return a sequence in random order, anew in each epoch, as one row: [1, epochs * images]."""
    random = generator(seed, "omniglot epochs")
    orders = [torch.randperm(sequence.numel(), generator=random) for _ in range(epochs)]
    return sequence.flatten()[torch.cat(orders)].view(1, -1)


def main() -> None:
    parser = options(__doc__, tuned=True)
    arguments = parser.parse_args()
    names, seeds = names_of(arguments), arguments.seeds
    job = stage.Job(REGISTER, "omniglot", arguments, of=names | {"seeds": seeds})
    settings, bias = job.settings.omniglot, job.settings.transfer.regulation_bias
    images = data.omniglot(arguments.images, job.device, split="evaluation")
    rate = best_learning_rate(arguments.tuning, **names, dataset="imagenet")
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    ancestry = saved_models.ancestry(arguments.models)
    variants = OMNIGLOT_VARIANTS if arguments.condition == "grow" else OMNIGLOT_VARIANTS[:1]
    rows: list[dict] = []
    with job.record(arguments.out, data=[images.about, *ancestry.data], seeds=seeds) as measured:
        started = time.monotonic()
        for seed, model in models.items():
            network = fresh(arguments.condition, job.settings.network, seed, model, job.device)
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            shape = settings.classes, settings.images_per_class, settings.held_out_images
            by_class, held_out = drawn(images.labels, *shape, seed)
            for variant in variants:
                network.load_state_dict(initial)
                if isinstance(network, Tsar):
                    network.fixed_maps = CONVOLUTIONS if variant.startswith("cp_only") else ()
                sequence, others = by_class, held_out
                if variant == "cp_only_iid":  # all classes are then one row
                    sequence, others = shuffled(by_class, settings.epochs, seed), held_out.reshape(1, -1)
                label = f"{arguments.condition} {variant} seed {seed}"
                own = learn_in_sequence(
                    network, images, sequence, (len(sequence),), bias, rate, seed, label, held_out=others
                )
                ((_, recall),), ((_, _, accuracy),) = own.curve, own.diagnostics
                run = run_of(arguments, seed, images, rate) | {"variant": variant, "classes": settings.classes}
                rows.append(run | {"recall": recall, "held_out": accuracy})
        measured["meta_learning_commits"] = ancestry.commits
        measured["seconds_per_run"] = (time.monotonic() - started) / len(rows)
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
