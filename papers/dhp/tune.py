"""Try one strength of consolidation, as the authors did by grid search on one seed.

    python -m papers.dhp.tune --scale smoke --benchmark split --condition ewc --value 100 --seeds 1000-1000 \\
        --data data/smoke/mnist.npz --out ewc_100.csv

A shorter run, trained without some of the training images and judged on those: neither the reported seeds nor the test
images are touched.  The value found serves with and without plasticity.
"""

from __future__ import annotations

import dataclasses

from common import checkpoint, device, protocol, records, stage
from common.continual import Schedule, learn
from common.metrics import average_accuracy
from papers.dhp import data, method
from papers.dhp.protocol import FIRST_TUNING_SEED, PROTOCOL, Permuted, Protocol, Training, Tuning
from papers.dhp.runs import CODE, SWEPT
from papers.dhp.train import learner, options, parse


def shortened(settings: Training, tuning: Tuning) -> Training:
    """A benchmark with as many epochs as tuning takes, and of permuted MNIST as many tasks."""
    changed = {"epochs": min(tuning.epochs, settings.epochs)}
    return dataclasses.replace(
        settings, **changed | ({"tasks": tuning.tasks} if isinstance(settings, Permuted) else {})
    )


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--value", type=float, required=True, help="lambda")
    arguments, found = parse(parser)
    if arguments.condition not in method.CONSOLIDATED:
        parser.error(f"condition {arguments.condition} has nothing to tune; only {', '.join(method.CONSOLIDATED)} have")
    if arguments.benchmark not in SWEPT:
        parser.error(f"there is no search on {arguments.benchmark}; only on {', '.join(SWEPT)}")
    if arguments.seeds[0] < FIRST_TUNING_SEED:
        parser.error(f"tuning seeds start at {FIRST_TUNING_SEED}, so that no reported run is tuned on")
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    settings = shortened(getattr(plan, arguments.benchmark), plan.tuning)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    stream, abouts = data.stream(
        arguments.benchmark, settings, arguments.data, arguments.seeds, where, plan.tuning.held_out
    )
    used = {name: protocol.as_dict(shortened(getattr(plan, name), plan.tuning)) for name in SWEPT}  # one table of all
    used |= {"tuning": protocol.as_dict(plan.tuning)}
    key = (
        used
        | {"benchmark": arguments.benchmark}
        | {"condition": arguments.condition, "value": arguments.value, "seeds": arguments.seeds, "data": abouts}
    )
    saved = checkpoint.of_run(arguments.checkpoint, key, CODE["tune"])
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="dhp",
        stage="tune",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol=used,
        data=abouts,
        device=where,
    ):
        try:
            matrices = learn(
                learner(settings, found, arguments.seeds, where, arguments.value),
                stream,
                Schedule(settings.epochs, settings.batch, reset_optimizer=False),
                arguments.seeds,
                f"tuning {arguments.condition} {arguments.value:g} on {arguments.benchmark}",
                saved,
            )
            final = average_accuracy(matrices["test"])[:, -1].tolist()
        except stage.TrainingError as error:  # a value that diverges has lost, and the others go on
            print(f"{error}: this value counts as accuracy 0", flush=True)
            final = [0.0] * len(arguments.seeds)
        about = {"benchmark": arguments.benchmark, "condition": arguments.condition, "value": arguments.value}
        found_rows = [about | {"seed": seed, "accuracy": a} for seed, a in zip(arguments.seeds, final, strict=True)]
        records.write_table(arguments.out, found_rows)
    if saved is not None:
        saved.delete()


if __name__ == "__main__":
    stage.run(main)
