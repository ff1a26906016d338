"""Train one condition on ten permuted MNIST tasks, for a batch of seeds.

    python -m papers.sticky_gradient.train --scale smoke --condition sticky-l1-smart --seeds 0-1 \\
        --data data/smoke/mnist.npz --out accuracies.csv

Writes the accuracy on every task after every task (.csv) and its record (.json); with --weights also how the weights are
distributed after every task (Figure 5).
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from common.learning.consolidation import Consolidation, Ewc, OnlineEwc, ReestimatedEwc
from common.learning.continual import Learner, Schedule, learn, rows
from common.learning.optimizers import Adam
from common.learning.replicas import Tensors
from common.results import tables
from common.running import protocols, stage
from papers.sticky_gradient import data
from papers.sticky_gradient.fused import FusedStickyGradient
from papers.sticky_gradient.method import StickyGradient
from papers.sticky_gradient.model import Perceptron
from papers.sticky_gradient.protocol import HYPERPARAMETERS, Attractor, Training, fraction
from papers.sticky_gradient.readings import EWC, SEARCHED, Reading, has_hyperparameters, parts, reading
from papers.sticky_gradient.runs import REGISTER
from papers.sticky_gradient.weights import Histograms


def learner(
    settings: Training,
    condition: str,
    attractor: Attractor | None,
    choices: Reading,
    seeds: Sequence[int],
    device: torch.device,
) -> Learner:
    """Return a fresh network with its rule; replica r depends on seeds[r] alone.

    condition: "control", "ewc", or the parts of the method that are on, such as "sticky-l1-smart"; attractor: the method's
    hyperparameters, which the control and EWC do not look at; choices: the reading. Raises ValueError for any other
    condition, or for parts of the method without hyperparameters.
    """
    on = parts(condition)
    if attractor is None and has_hyperparameters(condition):
        raise ValueError(f"condition {condition!r} needs hyperparameters")
    start = choices.ewc_start() if EWC in on else choices.start
    network = Perceptron(settings.hidden, start, attractor if "smart" in on else None, choices.biases)
    parameters = [parameter.to(device) for parameter in network.initial(seeds)]

    def optimizer(tensors: list[torch.Tensor]) -> Adam:
        return Adam(tensors, settings.learning_rate, (settings.beta1, settings.beta2), settings.epsilon)

    return Learner(network, parameters, optimizer, rule(settings, on, attractor, choices, parameters))


def rule(
    settings: Training, on: frozenset[str], attractor: Attractor | None, choices: Reading, parameters: Tensors
) -> Consolidation:
    """Return what acts beside the loss: EWC, sticky gradient and L1, or nothing.

    on: the parts of a condition; parameters: [R, ...] each; the others as in `learner`.
    """
    if EWC in on:
        kind = {"summed": Ewc, "online": OnlineEwc, "public": ReestimatedEwc}[choices.ewc]
        return kind(parameters, settings.ewc_strength, settings.fisher_images)
    if attractor is not None and on & {"sticky", "l1"}:
        sticky = FusedStickyGradient if parameters[0].device.type == "cpu" else StickyGradient
        return sticky(parameters, attractor, choices, attracted="sticky" in on, l1="l1" in on)
    return Consolidation(parameters, 0.0)


def schedule(settings: Training) -> Schedule:
    """Return how long tasks train: one epoch each, with Adam's state reset after it (Appendix 6.1)."""
    return Schedule(settings.epochs, settings.batch, reset_optimizer=True)


def searched(path: Path, name: str) -> Attractor:
    """Return the hyperparameters with the highest objective that a search found (the first, if several).

    path: the search's table; name: the reading that it searched under. Raises TrainingError if the table holds no trial
    under that reading.
    """
    table = tables.read(path)
    trials = table[(table["reading"] == name) & (table["trial"] >= 0)]
    if trials.empty:
        raise stage.TrainingError(f"{path} holds no search under the reading {name}: run papers.sticky_gradient.search")
    best = trials.loc[trials["objective"].idxmax()]
    return Attractor(**{key: float(best[key]) for key in HYPERPARAMETERS})


def options(description: str) -> ArgumentParser:
    """Return the command line that all stages which train share."""
    parser = stage.parser(description, "out")
    choices = "what the paper leaves open (default: the protocol's), see readings.py"
    parser.add_argument("--reading", type=stage.checked(reading), help=choices)
    parser.add_argument("--data", required=True, help="prepared MNIST")
    return parser


def job_of(name: str, arguments: Namespace, **of: Any) -> tuple[stage.Job, str]:
    """Return the job of a stage that trains, and the name of the reading that it trains under.

    name: of the stage; of: what tells the job from others, beside a reading that the command line names.
    """
    named = {"reading": arguments.reading} if arguments.reading else {}
    job = stage.Job(REGISTER, name, arguments, of=of | named, wide=True)
    return job, arguments.reading or job.settings.design.reading


def main() -> None:
    parser = options(__doc__)
    conditions = f"control, ewc, or parts of sticky-l1-smart, which {SEARCHED} may stand behind"
    parser.add_argument("--condition", type=stage.checked(parts), required=True, help=conditions)
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    source = f"the search whose best hyperparameters a condition with {SEARCHED} takes"
    parser.add_argument("--search", type=Path, nargs="?", help=source)
    pixels = "fraction of pixels left in place; which ones is the protocol's design.shared_pixels"
    parser.add_argument("--shared", type=stage.checked(lambda text: fraction(float(text))), help=pixels)
    parser.add_argument("--weights", type=stage.written(".csv"), help="to write the distribution of weights (.csv)")
    arguments = parser.parse_args()
    condition, seeds = arguments.condition, arguments.seeds
    if condition.endswith(SEARCHED) != bool(arguments.search):
        parser.error(f"--search goes with a condition that ends in {SEARCHED}, and with no other")
    shared = float(arguments.shared or 0)
    job, name = job_of("train", arguments, condition=condition, seeds=seeds, **({"shared": shared} if shared else {}))
    settings, choices, attractor = job.settings, reading(name), None
    if has_hyperparameters(condition):
        attractor = searched(arguments.search, name) if arguments.search else settings.attractor
    sharing = {"shared": shared, "shared_pixels": settings.design.shared_pixels} if shared else {}
    stream, about = data.stream(arguments.data, settings.training.tasks, choices, seeds, job.device, **sharing)
    observer = Histograms(seeds) if arguments.weights else None
    with job.record(arguments.out, data=[about], seeds=seeds, others=[arguments.weights]) as measured:
        measured |= {"condition": condition, "reading": name}
        if attractor is not None:
            measured["attractor"] = protocols.as_dict(attractor)
        learning = learner(settings.training, condition, attractor, choices, seeds, job.device)
        steps, label = schedule(settings.training), f"{condition} seeds {seeds[0]}-{seeds[-1]}"
        matrices = learn(learning, stream, steps, seeds, label, observer=observer, evaluated="seen")
        table = rows(condition, seeds, matrices, settings.training.tasks)
        if observer is not None:
            tables.write(arguments.weights, observer.table(condition))
        tables.write(arguments.out, [row | {"shared": shared} for row in table] if shared else table)


if __name__ == "__main__":
    stage.run(main)
