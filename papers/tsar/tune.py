"""The learning rate of domain transfer: recall for every rate of the grid, on seeds and images used for nothing else.

    python -m papers.tsar.tune --scale smoke --condition grow --meta-learning-set rich --iterations 12 --seeds 1000 \\
        --images data/smoke/imagenet.npz --models grow-tuning.pt --out tune.csv

Writes one row per tuning seed and learning rate (.csv) and the record (.json): recall after the last class, and its mean
over all points of the curve, by which the rate is chosen. One that ends near chance is chosen by noise otherwise.
"""

from __future__ import annotations

import statistics
from argparse import ArgumentParser, Namespace
from pathlib import Path

from common.results import tables
from common.running import stage
from papers.tsar import data, saved_models
from papers.tsar.data import DatasetOnDevice
from papers.tsar.network import Network
from papers.tsar.protocol import FIRST_TUNING_SEED, META_LEARNING_SETS, Transfer, grid_of_rates
from papers.tsar.runs import REGISTER
from papers.tsar.sequence import drawn, fresh, learn_in_sequence


def options(description: str, tuned: bool = False) -> ArgumentParser:
    """Return the command line that tuning and all kinds of transfer share; tuned: with what these read of tuning."""
    parser = stage.parser(description)
    parser.add_argument("--condition", required=True, help="such as grow, sculpt, oml, scratch or bias4")
    parser.add_argument("--meta-learning-set", choices=META_LEARNING_SETS, required=True)
    parser.add_argument("--iterations", type=int, required=True, help="meta-iterations of the models; 0 for scratch")
    parser.add_argument("--images", required=True, help="prepared ImageNet or CIFAR-100 (.npz)")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="what meta_train saved; none for scratch")
    parser.add_argument("--out", type=stage.written(".csv"), required=True, help="the table (.csv)")
    parser.add_argument(
        "--seeds", type=stage.seed_range, required=True, help="a range such as 0-4; of tuning 1000-1002"
    )
    if tuned:
        parser.add_argument("--tuning", type=Path, required=True, help="the table that papers.tsar.tune wrote")
    return parser


def names_of(arguments: Namespace) -> dict:
    """Return what tells the models of a command line from others, under the names of columns and wildcards."""
    return {name: getattr(arguments, name) for name in ("condition", "meta_learning_set", "iterations")}


def run_of(arguments: Namespace, seed: int, images: DatasetOnDevice, rate: float) -> dict:
    """Return what tells a run from others, as the first columns of tables; rate: the learning rate."""
    condition, learned, iterations = names_of(arguments).values()
    run = {"seed": seed, "condition": condition, "meta_learning_set": learned, "dataset": images.about["name"]}
    return run | {"learning_rate": rate, "iterations": iterations}


def recalls(
    network: Network, images: DatasetOnDevice, settings: Transfer, rate: float, seed: int, label: str
) -> dict[str, float]:
    """Return recall of a tuning seed after the last class and averaged over the curve; 0 if the rate diverges.

    Trains the network in place.
    """
    try:
        sequence = drawn(images, settings, seed, data.tuning_pool(images.labels, tuning=True))
        curve = learn_in_sequence(
            network,
            images,
            sequence,
            settings.recall_after,
            settings.regulation_bias,
            rate,
            seed,
            f"{label}, learning rate {rate:g}",
        ).curve
    except stage.TrainingError as error:  # a rate that diverges has lost, and the others go on
        print(f"{error}: this rate counts as recall 0", flush=True)
        return {"recall": 0.0, "mean_recall": 0.0}
    return {"recall": curve[-1][1], "mean_recall": statistics.fmean(recall for _, recall in curve)}


def best_learning_rate(table: Path, **names: str | int) -> float:
    """Return the learning rate with the highest recall over tuning seeds and curves; the larger one if two are equal.

    table: what tune wrote; names: of the models (`names_of`) and the data set. Raises TrainingError if it does not hold
    these.
    """
    rows = tables.read(table)
    for name, value in names.items():
        rows = rows[rows[name] == value]
    if rows.empty:
        asked = ", ".join(map(str, names.values()))
        raise stage.TrainingError(f"{table} holds no tuning of {asked}: run papers.tsar.tune for it")
    mean = rows.groupby("learning_rate").mean_recall.mean().sort_index(ascending=False)
    return float(mean.idxmax())


def main() -> None:
    parser = options(__doc__)
    parser.add_argument(
        "--checkpoint", type=stage.written(), help="to keep what was tried, so that a killed run can go on"
    )
    arguments = parser.parse_args()
    names = names_of(arguments)
    job = stage.Job(REGISTER, "tune", arguments, of=names)
    settings = job.settings.transfer
    images = data.photographs(arguments.images, job.device)
    seeds = arguments.seeds
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    ancestry = saved_models.ancestry(arguments.models)
    abouts = [images.about, *ancestry.data]
    checkpoint = job.checkpoint(arguments.checkpoint, data=abouts, models=ancestry.started)
    with job.record(arguments.out, data=abouts, seeds=seeds) as measured:
        measured["meta_learning_commits"] = ancestry.commits
        rows = ((checkpoint.load() if checkpoint is not None else None) or {"rows": []})["rows"]
        tried = [(row["seed"], row["learning_rate"]) for row in rows]
        of = names | {"dataset": images.about["name"]}
        for stream, (seed, model) in enumerate(models.items(), start=FIRST_TUNING_SEED):
            network = fresh(arguments.condition, job.settings.network, seed, model, job.device)
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            label = f"tuning {arguments.condition} {arguments.meta_learning_set} seed {seed}"
            for rate in getattr(settings, grid_of_rates(arguments.condition)):
                if (seed, rate) in tried:
                    continue
                network.load_state_dict(initial)
                found = recalls(network, images, settings, rate, stream, label)
                rows.append({"seed": seed, **of, "learning_rate": rate, **found})
                if checkpoint is not None:
                    checkpoint.save({"rows": rows})
        tables.write(arguments.out, rows)
    if checkpoint is not None:
        checkpoint.delete()


if __name__ == "__main__":
    stage.run(main)
