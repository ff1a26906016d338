"""Train one condition of one benchmark on its task sequence, for a batch of seeds.

    python -m papers.synaptic_intelligence.train --scale smoke --benchmark split_mnist --condition si-1 --seeds 0-2 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and the provenance (.json); with --correlations also how the
importances of the tasks correlate (Figure 5).
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch

from common import checkpoint, device, protocol, records, stage
from common.continual import Learner, Schedule, learn, rows
from papers.synaptic_intelligence import data, method, names
from papers.synaptic_intelligence.importances import Correlations
from papers.synaptic_intelligence.model import build
from papers.synaptic_intelligence.protocol import PROTOCOL, Protocol, Training
from papers.synaptic_intelligence.runs import BENCHMARKS, CODE


def learner(
    settings: Training, condition: str, seeds: Sequence[int], where: torch.device, tuned: float | None
) -> Learner:
    """A fresh network with its optimizer and consolidation; replica r depends on seeds[r] alone."""
    network = build(settings, condition)
    parameters = [parameter.to(where) for parameter in network.initial(seeds)]
    return Learner(
        network,
        parameters,
        lambda tensors: method.optimizer(condition, tensors, settings, tuned),
        method.consolidation(condition, parameters, settings, tuned),
    )


def schedule(settings: Training, condition: str) -> Schedule:
    """The published schedule; "scratch" starts every task with a fresh network and optimizer."""
    fresh = condition == "scratch"
    return Schedule(settings.epochs, settings.batch, settings.reset_optimizer or fresh, fresh)


def splits(benchmark: str, condition: str) -> tuple[str, ...]:
    """What is evaluated: the training images too where the paper or its code speaks of training accuracy.

    Not for sequences of permuted MNIST, where it would take a sixth of the run's time; Figure 4's arrow needs it of "joint".
    """
    return ("test", "train") if benchmark != "permuted_mnist" or condition == "joint" else ("test",)


def best(tables: Sequence[Path], condition: str) -> float | None:
    """The tuned value of a condition: the one with the highest mean accuracy on held-out images; None if it has none.

    Of two equal ones the smaller. Raises TrainingError if a table is missing, or if the tables hold nothing for a
    condition that needs tuning, or no value of it that trains at all.
    """
    if condition not in method.TUNED:
        return None
    if not tables:
        raise stage.TrainingError(
            f"condition {condition} needs --tuning, the tables of papers.synaptic_intelligence.tune"
        )
    if missing := [str(table) for table in tables if not table.exists()]:
        raise stage.TrainingError(
            f"there is no tuning table {', '.join(missing)}: run papers.synaptic_intelligence.tune, which writes it"
        )
    tried = records.read_tables(tables)
    tried = tried[tried.condition == condition]
    if tried.empty:
        raise stage.TrainingError(f"{', '.join(map(str, tables))} hold no tuning of {condition}")
    accuracy = tried.groupby("value").accuracy.mean()
    if accuracy.max() == 0:  # what tuning gives to a value that diverges
        raise stage.TrainingError(
            f"all values of {condition} that were tried diverged: {', '.join(f'{value:g}' for value in accuracy.index)}"
        )
    return float(accuracy.idxmax())


def options(description: str) -> ArgumentParser:
    """The command line that training and tuning share."""
    parser = stage.parser(description)
    parser.add_argument("--condition", required=True, help="si-C (such as si-0.1), ewc, sgd, dropout, joint or scratch")
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--data", nargs="+", required=True, help="prepared data sets: mnist, or cifar10 and cifar100")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    parser.add_argument("--checkpoint", type=Path, help="where to keep the state, so that a killed run can go on")
    return parser


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True)
    parser.add_argument("--tuning", type=Path, nargs="*", default=[], help="tables of tune, for ewc and sgd")
    parser.add_argument("--correlations", type=Path, help="where to write the correlations of importances (.csv)")
    arguments = parser.parse_args()
    try:
        names.check(arguments.benchmark, arguments.condition)
    except ValueError as error:
        parser.error(str(error))
    if arguments.correlations and names.strength_of_consolidation(arguments.condition) is None:
        parser.error("--correlations needs importances, which only the conditions si-C have")
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    settings: Training = getattr(plan, arguments.benchmark)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    stream, abouts = data.stream(settings, arguments.data, arguments.condition, arguments.seeds, where)
    tuned = best(arguments.tuning, arguments.condition)
    key = {
        "settings": protocol.as_dict(settings),
        "condition": arguments.condition,
        "tuned": tuned,
        "seeds": arguments.seeds,
    }
    saved = checkpoint.of_run(arguments.checkpoint, key | {"data": abouts}, CODE["train"])
    observer = Correlations(arguments.seeds, len(stream.tasks)) if arguments.correlations else None
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="synaptic_intelligence",
        stage=f"train {arguments.benchmark}",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol={arguments.benchmark: protocol.as_dict(settings)},
        data=abouts,
        device=where,
    ) as measured:
        measured["condition"], measured["tuned"] = arguments.condition, tuned
        measured["resumed"] = saved is not None and saved.path.exists()  # the times are then of the last part alone
        matrices = learn(
            learner(settings, arguments.condition, arguments.seeds, where, tuned),
            stream,
            schedule(settings, arguments.condition),
            arguments.seeds,
            f"{arguments.benchmark} {arguments.condition} seeds {arguments.seeds[0]}-{arguments.seeds[-1]}",
            saved,
            splits(arguments.benchmark, arguments.condition),
            observer,
        )
        if observer is not None:
            records.write_table(arguments.correlations, observer.table(arguments.condition))
        table = rows(arguments.condition, arguments.seeds, matrices, len(stream.evaluated))
        records.write_table(arguments.out, table)
    if observer is not None:  # its table is collected on its own, and needs a provenance of its own
        shutil.copyfile(arguments.out.with_suffix(".json"), arguments.correlations.with_suffix(".json"))
    if saved is not None:
        saved.delete()


if __name__ == "__main__":
    stage.run(main)
