"""Train one condition on ten permuted MNIST tasks, for a batch of seeds.

    python -m papers.sticky_gradient.train --scale smoke --condition sticky-l1-smart --seeds 0-1 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and the provenance (.json); with --weights also how the weights are
distributed after every task (Figure 5).
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch

from common import device, protocol, records, stage
from common.consolidation import Consolidation, Ewc, OnlineEwc, ReestimatedEwc
from common.continual import Learner, Schedule, learn, rows
from common.optimizers import Adam
from common.replicas import Tensors
from papers.sticky_gradient import data
from papers.sticky_gradient.fused import FusedStickyGradient
from papers.sticky_gradient.method import StickyGradient
from papers.sticky_gradient.model import Perceptron
from papers.sticky_gradient.protocol import PROTOCOL, SHARED_PIXELS, Attractor, Protocol, Training, fraction
from papers.sticky_gradient.readings import SEARCHED, Reading, parts, reading
from papers.sticky_gradient.weights import Histograms


def learner(
    settings: Training,
    condition: str,
    attractor: Attractor,
    choices: Reading,
    seeds: Sequence[int],
    where: torch.device,
) -> Learner:
    """A fresh network with its rule; replica r depends on seeds[r] alone.

    condition: "control", "ewc", or the parts of the method that are on, such as "sticky-l1-smart". Raises ValueError for
    any other.
    """
    on = parts(condition)
    start = choices.ewc_start() if "ewc" in on else choices.start
    network = Perceptron(settings, choices, "smart" if "smart" in on else start, attractor)
    parameters = [parameter.to(where) for parameter in network.initial(seeds)]

    def optimizer(tensors: list[torch.Tensor]) -> Adam:
        return Adam(tensors, settings.learning_rate, (settings.beta1, settings.beta2), settings.epsilon)

    return Learner(network, parameters, optimizer, rule(settings, on, attractor, choices, parameters))


def rule(
    settings: Training, on: frozenset[str], attractor: Attractor, choices: Reading, parameters: Tensors
) -> Consolidation:
    """What acts beside the loss: EWC, sticky gradient and L1, or nothing."""
    if "ewc" in on:
        kind = {"summed": Ewc, "online": OnlineEwc, "public": ReestimatedEwc}[choices.ewc]
        return kind(parameters, settings.ewc_strength, settings.fisher_images)
    if on & {"sticky", "l1"}:
        sticky = FusedStickyGradient if parameters[0].device.type == "cpu" else StickyGradient
        return sticky(parameters, attractor, choices, attracted="sticky" in on, l1="l1" in on)
    return Consolidation(parameters, 0.0)


def schedule(settings: Training) -> Schedule:
    """One epoch a task, Adam's state reset after each (Appendix 6.1)."""
    return Schedule(settings.epochs, settings.batch, reset_optimizer=True)


def searched(path: Path, name: str) -> Attractor:
    """The hyperparameters with the highest objective that the search under this reading found (the first, if several).

    Raises TrainingError if the table holds no trial of it.
    """
    table = records.read_tables(path)
    trials = table[(table["reading"] == name) & (table["trial"] >= 0)]
    if trials.empty:
        raise stage.TrainingError(f"{path} holds no search under the reading {name}: run papers.sticky_gradient.search")
    best = trials.loc[trials["objective"].idxmax()]
    return Attractor(**{key: float(best[key]) for key in Attractor.__dataclass_fields__})


def options(description: str) -> ArgumentParser:
    """The command line that all stages which train share."""
    parser = stage.parser(description)
    parser.add_argument("--reading", help="what the paper leaves open (default: the protocol's), see readings.py")
    parser.add_argument("--data", required=True, help="prepared MNIST")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    return parser


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--condition", required=True, help="control, ewc, or parts of sticky-l1-smart")
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--search", type=Path, help="take the best hyperparameters of this search, not Table 1's")
    parser.add_argument("--shared", type=float, default=0.0, help="fraction of pixels left in place")
    parser.add_argument(
        "--shared-pixels",
        choices=SHARED_PIXELS,
        help="which stay in place: the same in all tasks, or redrawn for each (default: the protocol's)",
    )
    parser.add_argument("--weights", type=Path, help="where to write the distribution of weights (.csv)")
    arguments = parser.parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    name = arguments.reading or plan.design.reading
    try:
        choices, _, _ = reading(name), parts(arguments.condition), fraction(arguments.shared)
    except ValueError as error:
        parser.error(str(error))
    attractor = searched(arguments.search, name) if arguments.search else plan.attractor
    condition = arguments.condition + (SEARCHED if arguments.search else "")
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    shared_pixels = arguments.shared_pixels or plan.design.shared_pixels
    stream, about = data.stream(
        arguments.data,
        plan.training.tasks,
        choices,
        arguments.seeds,
        where,
        arguments.shared,
        shared_pixels=shared_pixels,
    )
    observer = Histograms(arguments.seeds) if arguments.weights else None
    sharing = {"shared_pixels": shared_pixels} if arguments.shared else {}
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="sticky_gradient",
        stage="train",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol={"training": protocol.as_dict(plan.training), "reading": name} | sharing,
        data=[about],
        device=where,
    ) as measured:
        measured["condition"], measured["attractor"] = condition, protocol.as_dict(attractor)
        matrices = learn(
            learner(plan.training, arguments.condition, attractor, choices, arguments.seeds, where),
            stream,
            schedule(plan.training),
            arguments.seeds,
            f"{condition} seeds {arguments.seeds[0]}-{arguments.seeds[-1]}",
            observer=observer,
            unseen=False,
        )
        table = rows(condition, arguments.seeds, matrices, plan.training.tasks)
        if arguments.shared:
            table = [row | {"shared": arguments.shared} for row in table]
        if observer is not None:
            records.write_table(arguments.weights, observer.table(condition))
        records.write_table(arguments.out, table)
    if observer is not None:  # its table is collected on its own, and needs a provenance of its own
        shutil.copyfile(arguments.out.with_suffix(".json"), arguments.weights.with_suffix(".json"))


if __name__ == "__main__":
    stage.run(main)
