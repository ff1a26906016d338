"""Train one condition of one benchmark on its task sequence, for a batch of seeds.

    python -m papers.dhp.train --scale smoke --benchmark split --condition dhp-si --seeds 0-1 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and the provenance (.json); with --plasticity also what became
of eta, trace and alpha (Figure 3); with --eta from another initial eta (Figure 4).
"""

from __future__ import annotations

import dataclasses
import shutil
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

import torch

from common import checkpoint, device, protocol, records, stage
from common.continual import Learner, Schedule, learn, rows
from papers.dhp import data, method
from papers.dhp.model import build
from papers.dhp.plasticity import Plasticity
from papers.dhp.protocol import PROTOCOL, Optimizers, Protocol, Training
from papers.dhp.runs import BENCHMARKS, CODE, SWEPT


def learner(
    settings: Training,
    found: method.Condition,
    seeds: Sequence[int],
    where: torch.device,
    tuned: float | None = None,
    others: Optimizers | None = None,
) -> Learner:
    """A fresh network with its optimizer and consolidation; replica r depends on seeds[r] alone."""
    network = build(settings, found)
    parameters = [parameter.to(where) for parameter in network.initial(seeds)]
    return Learner(
        network,
        parameters,
        lambda tensors: method.optimizer(found, network.learned(tensors), settings, others),
        method.consolidation(found, parameters[: network.slow], settings, tuned),
    )


def strength(tables: Sequence[Path], benchmark: str, found: method.Condition) -> float | None:
    """Our lambda of a condition "-tuned": the value with the highest held-out accuracy; None for another condition.

    Of two equal ones the smaller. Raises TrainingError if the tables hold nothing for a condition that needs it.
    """
    if not found.tuned:
        return None
    if not tables:
        raise stage.TrainingError("a condition with -tuned needs --tuning, the tables of papers.dhp.tune")
    tried = records.read_tables(tables)
    tried = tried[(tried.condition == found.consolidation) & (tried.benchmark == benchmark)]
    if tried.empty:
        names = ", ".join(map(str, tables))
        raise stage.TrainingError(f"{names} hold no tuning of {found.consolidation} on {benchmark}")
    return float(tried.groupby("value").accuracy.mean().idxmax())


def options(description: str) -> ArgumentParser:
    """The command line that training and tuning share."""
    parser = stage.parser(description)
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True)
    parser.add_argument(
        "--condition", required=True, help="finetune, dhp, ewc, si, mas, dhp-ewc, ..., ewc-tuned, ewc-single, ewc-adam"
    )
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--data", nargs="+", required=True, help="prepared data sets: mnist, or those of the mixture")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    parser.add_argument("--checkpoint", type=Path, help="where to keep the state, so that a killed run can go on")
    return parser


def parse(parser: ArgumentParser) -> tuple:
    """The command line and its condition; ends with a message for a condition that does not exist."""
    arguments = parser.parse_args()
    try:
        return arguments, method.condition(arguments.condition)
    except ValueError as error:
        parser.error(str(error))


def initial_eta(text: str) -> float:
    """An initial eta as Figure 4, whose axis is logarithmic, can show it."""
    if (eta := float(text)) <= 0:
        raise ArgumentTypeError(f"an initial eta must be positive, not {text}")
    return eta


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--tuning", type=Path, nargs="*", default=[], help="tables of tune, for conditions with -tuned")
    parser.add_argument("--plasticity", type=Path, help="where to write eta and the norms of trace and alpha (.csv)")
    parser.add_argument("--eta", type=initial_eta, help="initial eta, in place of the protocol's")
    arguments, found = parse(parser)
    swept = arguments.eta is not None
    if (arguments.plasticity or swept) and not found.plastic:
        parser.error("--plasticity and --eta need a plastic condition, such as dhp")
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    settings: Training = getattr(plan, arguments.benchmark)
    if swept:
        settings = dataclasses.replace(settings, eta=arguments.eta)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    stream, abouts = data.stream(arguments.benchmark, settings, arguments.data, arguments.seeds, where)
    tuned = strength(arguments.tuning, arguments.benchmark, found)
    observer = Plasticity(arguments.seeds, plan.design.log_every) if found.plastic else None
    shown = SWEPT if swept else [arguments.benchmark]  # a sweep over eta is one table of several benchmarks
    key = {"benchmark": arguments.benchmark, "settings": protocol.as_dict(settings)}
    key |= {"condition": arguments.condition, "tuned": tuned, "seeds": arguments.seeds}
    key |= {"data": abouts, "log_every": plan.design.log_every}
    others = {"optimizers": protocol.as_dict(plan.optimizers)} if found.optimizer else {}
    key |= others
    saved = checkpoint.of_run(arguments.checkpoint, key, CODE["train"])
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="dhp",
        stage="initial eta" if swept else f"train {arguments.benchmark}",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol={name: protocol.as_dict(getattr(plan, name)) for name in shown},
        data=abouts,
        device=where,
    ) as measured:
        measured |= {"condition": arguments.condition, "tuned": tuned, "eta": settings.eta} | others
        measured["resumed"] = saved is not None and saved.path.exists()  # the times are then of the last part alone
        learning = learner(settings, found, arguments.seeds, where, tuned, plan.optimizers)
        # Findings, both: below zero eta, which nothing bounds, makes the trace run away; and lambda, published for an Omega
        # that is not stated, or found by a search shorter than the run, may be more than the steps bear.
        learning.may_diverge = found.plastic or found.consolidation is not None
        matrices = learn(
            learning,
            stream,
            Schedule(settings.epochs, settings.batch, reset_optimizer=False),
            arguments.seeds,
            f"{arguments.benchmark} {arguments.condition} seeds {arguments.seeds[0]}-{arguments.seeds[-1]}",
            saved,
            observer=observer,
        )
        named = arguments.condition + (f", eta {arguments.eta:g}" if swept else "")
        measured["diverged"] = [
            f"{arguments.benchmark} {named}, seed {seed} ({place})" for seed, place in learning.diverged.items()
        ]
        if arguments.plasticity:
            if not observer.rows:  # diverged before the first entry, and a table must have one
                observer.note(0, learning)
            noted = [{"condition": arguments.condition} | row for row in observer.rows]
            records.write_table(arguments.plasticity, noted)
        table = rows(arguments.condition, arguments.seeds, matrices, len(stream.evaluated))
        if swept:
            table = [{"benchmark": arguments.benchmark, "eta": arguments.eta} | row for row in table]
        records.write_table(arguments.out, table)
    if arguments.plasticity:  # its table is collected on its own, and needs a provenance of its own
        shutil.copyfile(arguments.out.with_suffix(".json"), arguments.plasticity.with_suffix(".json"))
    if saved is not None:
        saved.delete()


if __name__ == "__main__":
    stage.run(main)
