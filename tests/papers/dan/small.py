"""Protocols, networks and prepared files small enough to be computed by hand, or neuron by neuron."""

from __future__ import annotations

import dataclasses
import json

import numpy
import torch

from common.data.catalog import entry
from common.learning.randomness import generator
from common.learning.replicas import stack
from papers.dan.model import build
from papers.dan.runs import REGISTER

PAPER, SMOKE = REGISTER.protocol("paper"), REGISTER.protocol("smoke")
CPU = torch.device("cpu")
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


def equal(a, b):
    """Whether two lists of tensors are the same, bit for bit."""
    return all(torch.equal(one, other) for one, other in zip(a, b, strict=True))


def prepared(folder, name, images, labels):
    """Write a stand-in with these images and labels in both splits; returns its path."""
    splits = entry(name).classes
    arrays = {f"{split}_images": images for split in splits} | {f"{split}_labels": labels for split in splits}
    about = {"name": name, "description": name, "completeness": "stand-in", "splits": dict.fromkeys(splits)}
    path = folder / f"{name}.npz"
    numpy.savez(path, about=json.dumps(about), **arrays)
    return str(path)


def tiny_sets(folder):
    """Write an Omniglot and an MNIST of random images."""
    source = numpy.random.default_rng(0)
    for name, labels in (("omniglot", numpy.arange(24 * 6) // 6), ("mnist", numpy.arange(80) % 10)):
        shape = (len(labels), *entry(name).shape)
        prepared(folder, name, source.integers(0, 255, shape, dtype=numpy.uint8), labels)


def call(monkeypatch, stage, command):
    """Run a stage as its command line does, at smoke scale."""
    monkeypatch.setattr("sys.argv", ["stage", "--scale", "smoke", *command.split()])
    stage.main()
