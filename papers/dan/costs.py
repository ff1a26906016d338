"""What the stages cost; the factors are fitted to the kept runs (`recorded/`) and to the speed noted in TRIALS.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from common.running.costs import FLOAT, Cost, dense, seeds
from papers.dan.protocol import NETWORKS, Autoencoding, Protocol, Regression
from papers.dan.runs import synapses

OPERATIONS = 1250  # small ones of a step of both updates, which all models share
PASSES = 8  # of a step through all synapses
SMALL, MANY = 1.8, 2.5  # products of a few images, and of fifty functions, beside those of large matrices
NEURONS = 4  # those within the neurons, with what stands between them, beside those of the synapses
DIAGRAM = 3e5  # small operations


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    if stage == "diagram":
        return Cost(operations=DIAGRAM)
    design, replicas = protocol.design, seeds(job)
    if stage == "deploy":  # each network on all functions, which are measured on a grid on the way
        settings = protocol.regression
        steps = settings.tasks * settings.steps_per_task * len(NETWORKS) * replicas
        grid = settings.tasks * design.grid_per_task / design.evaluate_every
        return _steps(settings, steps, design.functions, 1 + grid / 3, MANY)
    if stage == "deploy_images":
        steps = protocol.images.tasks * protocol.images.steps_per_task
        return _steps(protocol.images, steps, replicas, protocol.images.images_per_task)
    experiment: Regression | Autoencoding = getattr(protocol, job["experiment"])
    if "channels" in job:
        experiment = dataclasses.replace(experiment, n_channels=int(job["channels"]))
    shown = experiment.images_per_task if isinstance(experiment, Autoencoding) else 1
    steps = experiment.sequences * experiment.tasks * experiment.steps_per_task
    return _steps(experiment, steps, replicas * experiment.population, shown + experiment.meta_batch)


def _steps(
    settings: Regression | Autoencoding, steps: float, models: int, samples: float, factor: float = SMALL
) -> Cost:
    """Return what so many steps cost, each of all models on so many samples."""
    size = synapses(settings)
    return Cost(
        flop=6 * steps * models * samples * (size + NEURONS * sum(settings.nodes[1:]) * _of_neuron(settings)) * factor,
        traffic=FLOAT * PASSES * size * steps * models,
        operations=OPERATIONS * steps,
        state=3 * FLOAT * size * models,
    )


def _of_neuron(settings: Regression | Autoencoding) -> float:
    """Return how many products a deep artificial neuron needs for a sample."""
    if isinstance(settings, Regression):
        return dense((settings.n_channels, *settings.hidden, 1))
    first, second = settings.convolutions
    side = round(settings.n_channels**0.5)
    flat = second * max(1, side - 4) ** 2
    convolutions = 4 * (first * (side - 1) ** 2 + first * second * (side - 2) ** 2)
    return convolutions + dense((flat, settings.dan_hidden, 1))
