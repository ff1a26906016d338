"""Domain transfer with one thing changed: which images are learned, or which of the regulator's maps learn.

    python -m papers.tsar.variants --scale smoke --condition grow --meta-learning-set rich --iterations 12 --seeds 0-1 \\
        --images data/smoke/imagenet.npz --models grow.pt --tuning tune.csv --out variants.csv \\
        --activity activity.npz --image-masks image_masks.npz

The variants are those of `protocol.VARIANTS`. Each seed runs all of them, with the learning rate, the order of classes and
the reset of plain transfer. Writes recall (.csv) and the record (.json), the window of activity and the mean masks of every
run (--activity), and the mean C3 mask of all images before transfer (--image-masks).
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor

from common.results import arrays, tables
from common.running import stage
from papers.tsar import data, saved_models
from papers.tsar.agreement import extremes
from papers.tsar.model import CONVOLUTIONS, Tsar
from papers.tsar.observe import Window, mean_masks
from papers.tsar.protocol import VARIANTS, initial_bias
from papers.tsar.runs import REGISTER
from papers.tsar.sequence import drawn, fresh, learn_in_sequence
from papers.tsar.tune import best_learning_rate, names_of, options, run_of


def pool_of(variant: str, images: Tensor, means: Tensor, count: int) -> Tensor:
    """Return which images a variant may draw: indices.

    images: the indices of each class [classes, n]; means: their mean C3 masks; count: how many of a class are learned.
    """
    if variant == "cp_only":
        return images.flatten()
    low, high = (torch.from_numpy(own.copy()) for own in extremes(means.numpy(), count))
    half = count // 2
    places = {"diminishing": low, "enhancing": high, "mixed": torch.cat([low[:, : count - half], high[:, :half]], 1)}
    return images.gather(1, places[variant]).flatten()


def main() -> None:
    parser = options(__doc__, tuned=True)
    parser.add_argument(
        "--activity", type=stage.written(".npz"), required=True, help="where to write what the masks tell (.npz)"
    )
    parser.add_argument(
        "--image-masks", type=stage.written(".npz"), required=True, help="where to write all images' mean masks (.npz)"
    )
    arguments = parser.parse_args()
    if initial_bias(arguments.condition) is None:
        parser.error(f"--condition: {arguments.condition} has no regulator, so there are no variants")
    names, seeds = names_of(arguments), arguments.seeds
    job = stage.Job(REGISTER, "variants", arguments, of=names | {"seeds": seeds})
    settings = job.settings.transfer
    how = settings.recall_after, settings.regulation_bias
    images = data.photographs(arguments.images, job.device)
    rate = best_learning_rate(arguments.tuning, **names, dataset=images.about["name"])
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    ancestry = saved_models.ancestry(arguments.models)
    allowed = data.by_class(images.labels, data.tuning_pool(images.labels, tuning=False), settings.classes)
    rows, runs, activity, all_masks = [], [], [], []
    others = [arguments.activity, arguments.image_masks]
    with job.record(arguments.out, data=[images.about, *ancestry.data], seeds=seeds, others=others) as measured:
        started = time.monotonic()
        for seed, model in models.items():
            network = fresh(arguments.condition, job.settings.network, seed, model, job.device)
            assert isinstance(network, Tsar)  # it has an initial bias
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            means = mean_masks(network, images, allowed)  # the reset of CP before transfer does not reach C3
            all_masks.append({"mean_masks": means.numpy()})
            for variant in VARIANTS:
                network.load_state_dict(initial)
                network.fixed_maps = CONVOLUTIONS if variant == "cp_only" else ()
                pool = pool_of(variant, allowed, means, settings.images_per_class)
                sequence = drawn(images, settings, seed, pool)
                window = Window(network, sequence.numel(), job.settings.analysis, np.random.default_rng(seed))
                label = f"{arguments.condition} {variant} seed {seed}"
                own = learn_in_sequence(network, images, sequence, *how, rate, seed, label, observe=window)
                runs.append(run_of(arguments, seed, images, rate) | {"variant": variant})
                rows += [runs[-1] | {"classes": classes, "recall": recall} for classes, recall in own.curve]
                activity.append(window.summary())
        measured["meta_learning_commits"] = ancestry.commits
        measured["seconds_per_run"] = (time.monotonic() - started) / len(runs)
        tables.write(arguments.out, rows)
        arrays.write(arguments.activity, arrays.of_runs(runs, activity))
        of_models = [{key: value for key, value in run.items() if key != "variant"} for run in runs[:: len(VARIANTS)]]
        arrays.write(arguments.image_masks, arrays.of_runs(of_models, all_masks))


if __name__ == "__main__":
    stage.run(main)
