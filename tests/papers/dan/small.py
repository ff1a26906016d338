"""Protocols, networks and prepared files small enough to be computed by hand, or neuron by neuron."""

from __future__ import annotations

import dataclasses

import torch

from common.learning.randomness import generator
from common.learning.replicas import stack
from common.running import protocols
from papers.dan.model import build
from papers.dan.protocol import PROTOCOL, Protocol

PLANS = {scale: protocols.read(PROTOCOL, Protocol, scale) for scale in protocols.SCALES}
PAPER, SMOKE = PLANS["paper"], PLANS["smoke"]
REGRESSION = dataclasses.replace(
    SMOKE.regression, nodes=(1, 4, 3, 1), n_channels=5, hidden=(4, 3), steps_per_task=4, sequences=2, meta_batch=6
)
IMAGES = dataclasses.replace(SMOKE.images, nodes=(36, 4, 3, 4, 36), tasks=3, images_per_task=2, steps_per_task=3)


def network(settings=REGRESSION, sharing="network", models=1, dtype=torch.float64):
    """A network and its theta and phi, each model with its own."""
    built = build(settings, sharing)
    theta = stack(built.draw_synapses(generator(model, "synapses")) for model in range(models))
    phi = stack(built.draw_phenotypes(generator(model, "phenotypes")) for model in range(models))
    return built, [tensor.to(dtype) for tensor in theta], [tensor.to(dtype) for tensor in phi]


def batch(settings, models=1, size=5, dtype=torch.float64):
    """Inputs and targets of a gradient step."""
    source = torch.Generator().manual_seed(1)
    shapes = (models, size, settings.nodes[0]), (models, size, settings.nodes[-1])
    return tuple(torch.rand(shape, generator=source, dtype=dtype) for shape in shapes)
