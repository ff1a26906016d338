"""Train one condition of one benchmark on its task sequence, for a batch of seeds.

    python -m papers.dhp.train --scale smoke --benchmark split --condition dhp-si --seeds 0-1 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and their record (.json); with --plasticity also what became
of eta, trace and alpha (Figure 3); with --eta from another initial eta (Figure 4).
"""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

import torch

from common.learning.continual import Learner, Schedule, learn, rows
from common.results import tables
from common.running import stage
from common.running.command_line import finite
from papers.dhp import data, method, protocol
from papers.dhp.model import build
from papers.dhp.plasticity import Plasticity
from papers.dhp.protocol import BENCHMARKS, Benchmark, Condition, Optimizers, Training
from papers.dhp.runs import REGISTER


def learner(
    settings: Benchmark,
    condition: Condition,
    seeds: Sequence[int],
    device: torch.device,
    tuned: float | None = None,
    optimizers: Optimizers | None = None,
) -> Learner:
    """Return a fresh network with its optimizer and consolidation; replica r depends on seeds[r] alone.

    tuned: the lambda of our search, or None for the paper's; optimizers: for conditions with another than plain SGD.
    """
    network = build(settings, condition)
    parameters = [parameter.to(device) for parameter in network.initial(seeds)]
    return Learner(
        network,
        parameters,
        lambda tensors: method.optimizer(condition, network.learned(tensors), settings, optimizers),
        method.consolidation(condition, parameters[: network.slow], settings, tuned),
    )


def schedule(settings: Training) -> Schedule:
    """Return how long and in which steps each task trains."""
    return Schedule(settings.epochs, settings.batch, reset_optimizer=False)


def strength(searched: Sequence[Path], benchmark: str, condition: Condition) -> float | None:
    """Return our lambda of a condition "-tuned": the value with the highest held-out accuracy; None for another condition.

    searched: tables of papers.dhp.tune. Of two equal values it is the smaller. Raises TrainingError if the tables hold
    nothing for a condition that needs it.
    """
    if not condition.tuned:
        return None
    if not searched:
        raise stage.TrainingError("a condition with -tuned needs --tuning, the tables of papers.dhp.tune")
    tried = tables.read(searched)
    tried = tried[(tried.condition == condition.consolidation) & (tried.benchmark == benchmark)]
    if tried.empty:
        names = ", ".join(map(str, searched))
        raise stage.TrainingError(f"{names} hold no tuning of {condition.consolidation} on {benchmark}")
    return float(tried.groupby("value").accuracy.mean().idxmax())


def options(description: str) -> ArgumentParser:
    """Return the command line that training and tuning share."""
    parser = stage.parser(description, "seeds", "out", "checkpoint")
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True)
    conditions = "finetune, dhp, ewc, si, mas, dhp-ewc, ..., ewc-tuned, ewc-single, mas-standardised-batch"
    parser.add_argument("--condition", type=stage.checked(protocol.condition), required=True, help=conditions)
    parser.add_argument("--data", nargs="+", required=True, help="prepared data sets: mnist, or those of the mixture")
    return parser


def initial_eta(text: str) -> float:
    """Return an initial eta that Figure 4, whose axis is logarithmic, can show."""
    if (eta := finite(text)) <= 0:
        raise ArgumentTypeError(f"an initial eta must be positive, not {text}")
    return eta


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--tuning", type=Path, nargs="*", default=[], help="tables of tune, for conditions with -tuned")
    parser.add_argument(
        "--plasticity", type=stage.written(".csv"), help="to write eta and the norms of trace and alpha (.csv)"
    )
    parser.add_argument("--eta", type=initial_eta, help="initial eta, in place of the protocol's")
    arguments = parser.parse_args()
    condition, benchmark, seeds = protocol.condition(arguments.condition), arguments.benchmark, arguments.seeds
    swept = {} if arguments.eta is None else {"eta": arguments.eta}
    logs = {"plasticity": True} if arguments.plasticity else {}
    if (swept or logs) and not condition.plastic:
        parser.error("--plasticity and --eta need a plastic condition, such as dhp")
    run = {"benchmark": benchmark, "condition": arguments.condition, **swept}
    job = stage.Job(REGISTER, "train", arguments, of={**run, **logs, "seeds": seeds}, wide=True)
    settings: Benchmark = dataclasses.replace(job.settings[benchmark], **swept)
    stream, abouts = data.stream(
        benchmark, settings, arguments.data, seeds, job.device, standardised=condition.standardised
    )
    tuned = strength(arguments.tuning, benchmark, condition)
    observer = Plasticity(seeds, job.settings.design.log_every) if logs else None
    checkpoint = job.checkpoint(arguments.checkpoint, abouts, tuned=tuned)
    title = "initial eta" if swept else f"train {benchmark}"  # a sweep over eta is one table of several benchmarks
    with job.record(arguments.out, abouts, seeds, title, [arguments.plasticity], checkpoint) as measured:
        measured |= {"condition": arguments.condition, "tuned": tuned, "eta": settings.eta}
        optimizers = job.settings.optimizers if condition.optimizer else None
        learning = learner(settings, condition, seeds, job.device, tuned, optimizers)
        # That a run diverges is a finding. Eta, which nothing bounds, may fall below zero, and then the trace runs away.
        # Or lambda is more than the steps bear: the paper does not state its Omega, and our search is shorter than a run.
        learning.may_diverge = condition.plastic or condition.consolidation is not None
        label = f"{benchmark} {arguments.condition} seeds {seeds[0]}-{seeds[-1]}"
        matrices = learn(learning, stream, schedule(settings), seeds, label, checkpoint, observer=observer)
        measured["diverged"] = [run | {"seed": seed, "at": at} for seed, at in learning.diverged.items()]
        if observer is not None:
            tables.write(arguments.plasticity, observer.table(arguments.condition, learning))
        columns = {"benchmark": benchmark, **swept} if swept else {}
        accuracies = rows(arguments.condition, seeds, matrices, len(stream.evaluated))
        tables.write(arguments.out, [columns | row for row in accuracies])


if __name__ == "__main__":
    stage.run(main)
