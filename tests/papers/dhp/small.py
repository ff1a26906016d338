"""Protocols, prepared files and networks small enough to be looked through image by image and weight by weight."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy
import pytest
import torch

from common.learning.randomness import generator
from common.running import stage
from common.running.protocols import SCALES
from papers.dhp.model import Classifier, Perceptron
from papers.dhp.protocol import Condition
from papers.dhp.runs import REGISTER

PROTOCOLS = {scale: REGISTER.protocol(scale) for scale in SCALES}
PAPER, SMOKE = PROTOCOLS["paper"], PROTOCOLS["smoke"]
SPLITS = ("train", "test")
CPU = torch.device("cpu")
R, B, N_IN, M, D, SLOPE = 3, 7, 4, 5, 6, 0.2  # of `network` and `batch`
SEEDS = [4, 0, 9]


def prepared(folder: Path, name: str, train: list[int] | None, test: list[int]) -> str:
    """A prepared file with these labels, in this order; train: None for a file with a test part alone.

    Images are noise with one bright row that depends on the class, but for the marks that `marks` reads.
    """
    shape = (32, 32, 3) if name in ("svhn", "cifar10") else (28, 28)
    labels = {split: own for split, own in zip(SPLITS, (train, test), strict=True) if own is not None}
    arrays = {}
    for split, own in labels.items():
        source = numpy.random.default_rng(len(own))
        images = source.integers(0, 60, (len(own), *shape), dtype=numpy.uint8)
        images[numpy.arange(len(own)), 2 * numpy.array(own) + 3] = 250
        rows = images.reshape(len(own), -1)
        rows[:, 0], rows[:, 1], rows[:, 2] = SPLITS.index(split), *divmod(numpy.arange(len(own)), 256)
        arrays |= {f"{split}_images": images, f"{split}_labels": numpy.array(own, dtype=numpy.int64)}
    about = {"name": name, "source": "stand-in", "completeness": "stand-in", "description": f"stripes for {name}"}
    path = folder / f"{name}.npz"
    numpy.savez(path, about=json.dumps(about | {"splits": dict.fromkeys(labels)}), **arrays)
    return str(path)


def marks(pixels) -> list[tuple[str, int]]:
    """Split and number of images from `prepared`, given as rows of bytes in the file's order of pixels."""
    return [(SPLITS[code], 256 * high + low) for code, high, low in pixels[:, :3].tolist()]


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=generator(seed, "numbers"))


def network(plastic=True, single=False, eta=0.3, bounded=False):
    """A small network in float64 with parameters that make plasticity felt: alpha as large as theta, a trace that is there."""
    condition = Condition(plastic=plastic, single=single, bounded=bounded)
    classifier = Classifier(Perceptron((N_IN, M), SLOPE), D, condition, eta)
    parameters = [tensor.double() for tensor in classifier.initial(SEEDS)]
    if plastic:
        parameters[3] = numbers(R, M, D, seed=1)
        parameters[4] += torch.tensor([[0.0], [0.1], [-0.2]])  # one eta per replica
        parameters[5] = numbers(R, M, D, seed=2)
    return classifier, [tensor.requires_grad_() for tensor in parameters]


def batch(seed=0, classes=(0, 1, 2, 3), replicas=R):
    """Inputs and labels: only of some classes, and of other ones in each replica."""
    inputs = numbers(replicas, B, N_IN, seed=100 + seed)
    labels = torch.tensor(classes)[torch.randint(len(classes), (replicas, B), generator=generator(seed, "labels"))]
    return inputs, (labels + torch.arange(replicas)[:, None]) % D


def overriding(overrides: Iterable[str]) -> list[str]:
    """The options that override these values of the protocol."""
    return [argument for override in overrides for argument in ("--set", override)]


def fails(capsys, work: Callable[[], None]) -> str:
    """What a user reads on the screen; the process must end with a status that is not zero."""
    with pytest.raises(SystemExit) as end:
        stage.run(work)
    assert end.value.code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text
