"""Try one value of what the paper leaves open for a baseline: EWC's strength or SGD's learning rate.

    python -m papers.synaptic_intelligence.tune --scale smoke --condition ewc --value 100 --seeds 1000-1000 \\
        --data data/smoke/mnist.npz --out ewc_100.csv

Permuted MNIST with fewer tasks and epochs, trained without some of the training images and judged on those: neither the
reported seeds nor the test images are touched.
"""

from __future__ import annotations

import dataclasses

from common.learning.continual import learn
from common.results import tables
from common.running import stage
from papers.synaptic_intelligence import data, method
from papers.synaptic_intelligence.protocol import FIRST_TUNING_SEED, PermutedMnist, Tuning
from papers.synaptic_intelligence.runs import REGISTER
from papers.synaptic_intelligence.train import learner, options, schedule


def shortened(settings: PermutedMnist, tuning: Tuning, condition: str) -> PermutedMnist:
    """Permuted MNIST with as many tasks and epochs as tuning takes; SGD is judged by how well it learns one task."""
    tasks = tuning.sgd_tasks if condition == "sgd" else tuning.tasks
    return dataclasses.replace(settings, tasks=tasks, epochs=tuning.epochs)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--value", type=float, required=True, help="EWC's lambda, or SGD's learning rate")
    arguments = parser.parse_args()
    if arguments.condition not in method.TUNED:
        parser.error(f"condition {arguments.condition} has nothing to tune; only {', '.join(method.TUNED)} have")
    if arguments.seeds[0] < FIRST_TUNING_SEED:
        parser.error(f"tuning seeds start at {FIRST_TUNING_SEED}, so that no reported run is tuned on")
    condition, value, seeds = arguments.condition, arguments.value, arguments.seeds
    about = {"condition": condition, "value": value}
    job = stage.Job(REGISTER, "tune", arguments, of={**about, "seeds": seeds}, wide=True)
    settings = shortened(job.settings.permuted_mnist, job.settings.tuning, condition)
    held_out = job.settings.tuning.held_out
    stream, abouts = data.stream(settings, arguments.data, condition, seeds, job.device, held_out)
    checkpoint = job.checkpoint(arguments.checkpoint, abouts)
    with job.record(arguments.out, abouts, seeds, checkpoint=checkpoint):
        try:
            learning, label = learner(settings, condition, seeds, job.device, value), f"tuning {condition} {value:g}"
            matrices = learn(learning, stream, schedule(settings, condition), seeds, label, checkpoint)
            final = matrices["test"][:, -1].mean(1).tolist()
        except stage.TrainingError as error:  # a value that diverges has lost, and the others go on
            print(f"{error}: this value counts as accuracy 0", flush=True)
            final = [0.0] * len(seeds)
        rows = [about | {"seed": seed, "accuracy": accuracy} for seed, accuracy in zip(seeds, final, strict=True)]
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
