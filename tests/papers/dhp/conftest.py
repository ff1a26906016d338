"""The stages, called as their command lines would be, on tiny data and with protocols of a few steps."""

from __future__ import annotations

import sys

import pytest

from common.results import tables
from papers.dhp import train, tune
from tests.papers.dhp.small import SMOKE, mnist, overriding, prepared

SHORT = {  # protocols of a few steps
    "permuted": ("permuted.tasks=2", "permuted.hidden=[12, 9]", "permuted.epochs=2", "permuted.importance_images=20"),
    "imbalanced": ("imbalanced.tasks=2", "imbalanced.hidden=[12, 9]", "imbalanced.epochs=1"),
    "split": ("split.hidden=[12, 9]", "split.epochs=2", "split.importance_images=10"),
    "vision": ("vision.channels=[2, 3]", "vision.dense=6", "vision.epochs=1", "vision.importance_images=10"),
}
TUNING = ("tuning.held_out=30", "tuning.epochs=1")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """100 training and 40 test images."""
    return mnist(tmp_path_factory.mktemp("mnist"))


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixture")
    return [prepared(folder, name, list(range(10)) * 3, list(range(10))) for name in SMOKE.vision.sets]


@pytest.fixture
def call(monkeypatch):
    """Calls a stage's main as the command line would."""

    def run(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__name__, "--scale", "smoke", "--device", "cpu", *map(str, arguments)])
        module.main()

    return run


@pytest.fixture
def trained(call):
    """Trains a condition of a benchmark and returns its table."""

    def run(benchmark, condition, seeds, paths, out, *more):
        options = ("--benchmark", benchmark, "--condition", condition, "--seeds", seeds, "--out", out)
        paths = paths if isinstance(paths, list) else [paths]
        call(train, *options, *overriding(SHORT[benchmark]), "--data", *paths, *more)
        return tables.read(out)

    return run


@pytest.fixture
def tuned(call):
    """Tries one strength and returns the table."""

    def run(benchmark, condition, value, paths, out, *more, seeds="1000"):
        options = ("--benchmark", benchmark, "--condition", condition, "--seeds", seeds, "--value", value, "--out", out)
        paths = paths if isinstance(paths, list) else [paths]
        call(tune, *options, *overriding((*SHORT[benchmark], *TUNING)), "--data", *paths, *more)
        return tables.read(out)

    return run
