"""Try one value of what the paper leaves open for a baseline: EWC's strength or SGD's learning rate.

    python -m papers.synaptic_intelligence.tune --scale smoke --condition ewc --value 100 --seeds 1000-1000 \\
        --data data/smoke/mnist.npz --out ewc_100.csv

Permuted MNIST with fewer tasks and epochs, trained without some of the training images and judged on those: neither the
reported seeds nor the test images are touched.
"""

from __future__ import annotations

import dataclasses

from common import checkpoint, device, protocol, records, stage
from common.continual import learn
from common.metrics import average_accuracy
from papers.synaptic_intelligence import data, method
from papers.synaptic_intelligence.protocol import FIRST_TUNING_SEED, PROTOCOL, PermutedMnist, Protocol, Tuning
from papers.synaptic_intelligence.runs import CODE
from papers.synaptic_intelligence.train import learner, options, schedule


def shortened(settings: PermutedMnist, tuning: Tuning, condition: str) -> PermutedMnist:
    """Permuted MNIST with as many tasks and epochs as tuning takes; SGD is judged by how well it learns one task."""
    return dataclasses.replace(
        settings, tasks=tuning.sgd_tasks if condition == "sgd" else tuning.tasks, epochs=tuning.epochs
    )


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--value", type=float, required=True, help="EWC's lambda, or SGD's learning rate")
    arguments = parser.parse_args()
    if arguments.condition not in method.TUNED:
        parser.error(f"condition {arguments.condition} has nothing to tune; only {', '.join(method.TUNED)} have")
    if arguments.seeds[0] < FIRST_TUNING_SEED:
        parser.error(f"tuning seeds start at {FIRST_TUNING_SEED}, so that no reported run is tuned on")
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    settings = shortened(plan.permuted_mnist, plan.tuning, arguments.condition)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    stream, abouts = data.stream(
        settings, arguments.data, arguments.condition, arguments.seeds, where, plan.tuning.held_out
    )
    used = {"permuted_mnist": protocol.as_dict(settings), "tuning": protocol.as_dict(plan.tuning)}
    key = used | {"condition": arguments.condition, "value": arguments.value, "seeds": arguments.seeds, "data": abouts}
    saved = checkpoint.of_run(arguments.checkpoint, key, CODE["tune"])
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="synaptic_intelligence",
        stage="tune",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol=used,
        data=abouts,
        device=where,
    ):
        try:
            matrices = learn(
                learner(settings, arguments.condition, arguments.seeds, where, arguments.value),
                stream,
                schedule(settings, arguments.condition),
                arguments.seeds,
                f"tuning {arguments.condition} {arguments.value:g}",
                saved,
            )
            final = average_accuracy(matrices["test"])[:, -1].tolist()
        except stage.TrainingError as error:  # a value that diverges has lost, and the others go on
            print(f"{error}: this value counts as accuracy 0", flush=True)
            final = [0.0] * len(arguments.seeds)
        rows = [
            {"condition": arguments.condition, "value": arguments.value, "seed": seed, "accuracy": accuracy}
            for seed, accuracy in zip(arguments.seeds, final, strict=True)
        ]
        records.write_table(arguments.out, rows)
    if saved is not None:
        saved.delete()


if __name__ == "__main__":
    stage.run(main)
