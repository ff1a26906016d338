"""Train one condition of one benchmark on its task sequence, for a batch of seeds.

    python -m papers.synaptic_intelligence.train --scale smoke --benchmark split_mnist --condition si-1 --seeds 0-2 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and their record (.json); with --correlations also how the
importances of the tasks correlate (Figure 5).
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch

from common.learning.continual import Learner, Schedule, learn, rows
from common.results import tables
from common.running import stage
from papers.synaptic_intelligence import data, method
from papers.synaptic_intelligence.importances import Correlations
from papers.synaptic_intelligence.model import build
from papers.synaptic_intelligence.protocol import Benchmark, Training, check_condition, strength_of_consolidation
from papers.synaptic_intelligence.runs import BENCHMARKS, REGISTER


def learner(
    settings: Benchmark, condition: str, seeds: Sequence[int], device: torch.device, tuned: float | None
) -> Learner:
    """A fresh network with its optimizer and consolidation; replica r depends on seeds[r] alone."""
    network = build(settings, condition)
    parameters = [parameter.to(device) for parameter in network.initial(seeds)]
    return Learner(
        network,
        parameters,
        lambda tensors: method.optimizer(condition, tensors, settings, tuned),
        method.consolidation(condition, parameters, settings, tuned),
    )


def schedule(settings: Training, condition: str) -> Schedule:
    """The published schedule; "scratch" starts every task with a fresh network and optimizer."""
    fresh = condition == "scratch"
    resets = settings.reset_optimizer or fresh, fresh, settings.reset_moments
    return Schedule(settings.epochs, settings.batch, *resets)


def splits(benchmark: str, condition: str) -> tuple[str, ...]:
    """What is evaluated: the training images too where the paper or its code speaks of training accuracy.

    Not for sequences of permuted MNIST, where it would take a sixth of the run's time; Figure 4's arrow needs it of "joint".
    """
    return ("test", "train") if benchmark != "permuted_mnist" or condition == "joint" else ("test",)


def best(tuning: Sequence[Path], condition: str) -> float | None:
    """The tuned value of a condition: the one with the highest mean accuracy on held-out images; None if it has none.

    Of two equal ones the smaller. Raises TrainingError if a table is missing, or if the tables hold nothing for a
    condition that needs tuning, or no value of it that trains at all.
    """
    if condition not in method.TUNED:
        return None
    if not tuning:
        raise stage.TrainingError(
            f"condition {condition} needs --tuning, the tables of papers.synaptic_intelligence.tune"
        )
    if missing := [str(table) for table in tuning if not table.exists()]:
        raise stage.TrainingError(
            f"there is no tuning table {', '.join(missing)}: run papers.synaptic_intelligence.tune, which writes it"
        )
    tried = tables.read(tuning)
    tried = tried[tried.condition == condition]
    if tried.empty:
        raise stage.TrainingError(f"{', '.join(map(str, tuning))} hold no tuning of {condition}")
    accuracy = tried.groupby("value").accuracy.mean()
    if accuracy.max() == 0:  # what tuning gives to a value that diverges
        raise stage.TrainingError(
            f"all values of {condition} that were tried diverged: {', '.join(f'{value:g}' for value in accuracy.index)}"
        )
    return float(accuracy.idxmax())


def options(description: str) -> ArgumentParser:
    """The command line that training and tuning share."""
    parser = stage.parser(description, "seeds", "out", "checkpoint")
    parser.add_argument("--condition", required=True, help="si-C (such as si-0.1), ewc, sgd, dropout, joint or scratch")
    parser.add_argument("--data", nargs="+", required=True, help="prepared data sets: mnist, or cifar10 and cifar100")
    return parser


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True)
    parser.add_argument("--tuning", type=Path, nargs="*", default=[], help="tables of tune, for ewc and sgd")
    parser.add_argument(
        "--correlations", type=stage.written(".csv"), help="to write the correlations of importances (.csv)"
    )
    arguments = parser.parse_args()
    benchmark, condition, seeds = arguments.benchmark, arguments.condition, arguments.seeds
    try:
        check_condition(benchmark, condition)
    except ValueError as error:
        parser.error(str(error))
    if arguments.correlations and strength_of_consolidation(condition) is None:
        parser.error("--correlations needs importances, which only the conditions si-C have")
    of = {"benchmark": benchmark, "condition": condition, "seeds": seeds}
    job = stage.Job(REGISTER, "train", arguments, of, wide=True)
    settings = job.settings[benchmark]
    stream, abouts = data.stream(settings, arguments.data, condition, seeds, job.device)
    tuned = best(arguments.tuning, condition)
    checkpoint = job.checkpoint(arguments.checkpoint, abouts, tuned=tuned)
    observer = Correlations(seeds, len(stream.tasks)) if arguments.correlations else None
    title, others = f"train {benchmark}", [arguments.correlations]
    with job.record(arguments.out, abouts, seeds, title, others, checkpoint) as measured:
        measured |= {"condition": condition, "tuned": tuned}
        learning, steps = learner(settings, condition, seeds, job.device, tuned), schedule(settings, condition)
        label, evaluated = f"{benchmark} {condition} seeds {seeds[0]}-{seeds[-1]}", splits(benchmark, condition)
        matrices = learn(learning, stream, steps, seeds, label, checkpoint, evaluated, observer)
        if observer is not None:
            tables.write(arguments.correlations, observer.table(condition))
        tables.write(arguments.out, rows(condition, seeds, matrices, len(stream.evaluated)))


if __name__ == "__main__":
    stage.run(main)
