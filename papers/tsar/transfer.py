"""Domain transfer: one pass over 100 classes x 30 images, one image at a time, and how much of it is recalled on the way.

    python -m papers.tsar.transfer --scale smoke --condition grow --meta-learning-set rich --iterations 12 --seeds 0-1 \\
        --images data/smoke/imagenet.npz --models grow.pt --tuning tune.csv --out recall.csv

Writes recall after 1, 10, 20, ... classes for every seed (.csv) and the record (.json). On request also what was measured
after every class (--diagnostics), recall of each class after the last one (--final-recall), and of networks with a
regulator what its masks tell (--activity, as .npz).
"""

from __future__ import annotations

import time

import numpy as np
from numpy import ndarray

from common.results import arrays, tables
from common.running import stage
from papers.tsar import data, saved_models
from papers.tsar.model import Tsar
from papers.tsar.protocol import initial_bias
from papers.tsar.runs import REGISTER
from papers.tsar.sequence import Measured, drawn, fresh, learn_in_sequence
from papers.tsar.tune import best_learning_rate, names_of, options, run_of


def rows_of(run: dict, measured: Measured) -> dict[str, list[dict]]:
    """Return the rows of the three tables that a run adds to; run: what tells it from others."""
    return {
        "curve": [run | {"classes": classes, "recall": recall} for classes, recall in measured.curve],
        "diagnostics": [
            run | {"classes": classes, "quantity": quantity, "value": value}
            for classes, quantity, value in measured.diagnostics
        ],
        "final": [
            run | {"position": position, "label": label, "recall": recall}
            for position, (label, recall) in enumerate(measured.final.items(), start=1)
        ],
    }


def main() -> None:
    parser = options(__doc__, tuned=True)
    parser.add_argument(
        "--diagnostics", type=stage.written(".csv"), help="where to write what was measured after every class (.csv)"
    )
    parser.add_argument(
        "--final-recall", type=stage.written(".csv"), help="where to write each class's recall at the end (.csv)"
    )
    parser.add_argument("--activity", type=stage.written(".npz"), help="where to write what the masks tell (.npz)")
    arguments = parser.parse_args()
    if arguments.activity and initial_bias(arguments.condition) is None:
        parser.error(f"--activity: {arguments.condition} has no regulator, so there are no masks")
    names, seeds = names_of(arguments), arguments.seeds
    job = stage.Job(REGISTER, "transfer", arguments, of=names | {"seeds": seeds})
    settings = job.settings.transfer
    images = data.photographs(arguments.images, job.device)
    rate = best_learning_rate(arguments.tuning, **names, dataset=images.about["name"])
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    ancestry = saved_models.ancestry(arguments.models)
    paths = {"curve": arguments.out, "diagnostics": arguments.diagnostics, "final": arguments.final_recall}
    paths = {table: path for table, path in paths.items() if path is not None}
    rows: dict[str, list[dict]] = {table: [] for table in paths}
    runs: list[dict] = []
    activity: list[dict[str, ndarray]] = []
    others = [arguments.diagnostics, arguments.final_recall, arguments.activity]
    pool, count = data.tuning_pool(images.labels, tuning=False), settings.images_per_class
    with job.record(arguments.out, data=[images.about, *ancestry.data], seeds=seeds, others=others) as measured:
        started = time.monotonic()
        for seed, model in models.items():
            network = fresh(arguments.condition, job.settings.network, seed, model, job.device)
            label = f"{arguments.condition} {arguments.meta_learning_set} seed {seed}"
            sequence, held_out = drawn(images, settings, seed, pool, held_out=count).split(count, dim=1)
            learned, labels = images.batch(sequence.flatten())
            observe = None
            if arguments.activity is not None and isinstance(network, Tsar):
                from papers.tsar.observe import Activity  # seconds of importing, for these alone

                random = np.random.default_rng(seed)
                observe = Activity(network, labels, settings.classes, count, job.settings.analysis, random)
            own = learn_in_sequence(
                network,
                images,
                sequence,
                settings.recall_after,
                settings.regulation_bias,
                rate,
                seed,
                label,
                diagnose="diagnostics" in paths,
                held_out=held_out if "diagnostics" in paths else None,
                observe=observe,
            )
            run = run_of(arguments, seed, images, rate)
            for table, added in rows_of(run, own).items():
                if table in rows:
                    rows[table] += added
            if observe is not None:
                runs.append(run)
                activity.append(observe.summary(learned))
        measured["meta_learning_commits"] = ancestry.commits
        measured["seconds_per_run"] = (time.monotonic() - started) / len(seeds)
        for table, path in paths.items():
            tables.write(path, rows[table])
        if activity:
            arrays.write(arguments.activity, arrays.of_runs(runs, activity))


if __name__ == "__main__":
    stage.run(main)
