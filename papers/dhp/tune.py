"""Try one strength of consolidation, as the authors did by grid search on one seed.

    python -m papers.dhp.tune --scale smoke --benchmark split --condition ewc --value 100 --seeds 1000-1000 \\
        --data data/smoke/mnist.npz --out ewc_100.csv

A shorter run, trained without some of the training images and judged on those: neither the reported seeds nor the test
images are touched. The value found serves with and without plasticity.
"""

from __future__ import annotations

import dataclasses

from common.learning.continual import learn
from common.results import tables
from common.running import stage
from papers.dhp import data
from papers.dhp.protocol import CONSOLIDATED, FIRST_TUNING_SEED, SWEPT, Benchmark, Permuted, Tuning, condition
from papers.dhp.runs import REGISTER
from papers.dhp.train import learner, options, schedule


def shortened(settings: Benchmark, tuning: Tuning) -> Benchmark:
    """Return a benchmark with as many epochs as tuning takes, and of permuted MNIST as many tasks."""
    settings = dataclasses.replace(settings, epochs=min(tuning.epochs, settings.epochs))
    return dataclasses.replace(settings, tasks=tuning.tasks) if isinstance(settings, Permuted) else settings


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--value", type=float, required=True, help="lambda")
    arguments = parser.parse_args()
    benchmark, value, seeds = arguments.benchmark, arguments.value, arguments.seeds
    if arguments.condition not in CONSOLIDATED:
        parser.error(f"condition {arguments.condition} has nothing to tune; only {', '.join(CONSOLIDATED)} have")
    if benchmark not in SWEPT:
        parser.error(f"there is no search on {benchmark}; only on {', '.join(SWEPT)}")
    if seeds[0] < FIRST_TUNING_SEED:
        parser.error(f"tuning seeds start at {FIRST_TUNING_SEED}, so that no reported run is tuned on")
    about = {"benchmark": benchmark, "condition": arguments.condition, "value": value}
    job = stage.Job(REGISTER, "tune", arguments, of={**about, "seeds": seeds}, wide=True)
    tuning = job.settings.tuning
    settings = shortened(job.settings[benchmark], tuning)
    stream, abouts = data.stream(benchmark, settings, arguments.data, seeds, job.device, tuning.held_out)
    checkpoint = job.checkpoint(arguments.checkpoint, abouts)
    with job.record(arguments.out, abouts, seeds, checkpoint=checkpoint):
        try:
            learning = learner(settings, condition(arguments.condition), seeds, job.device, value)
            label = f"tuning {arguments.condition} {value:g} on {benchmark}"
            matrices = learn(learning, stream, schedule(settings), seeds, label, checkpoint)
            final = matrices["test"][:, -1].mean(1).tolist()
        except stage.TrainingError as error:  # a value that diverges has lost, and the others go on
            print(f"{error}: this value counts as accuracy 0", flush=True)
            final = [0.0] * len(seeds)
        rows = [about | {"seed": seed, "accuracy": accuracy} for seed, accuracy in zip(seeds, final, strict=True)]
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
