"""The stages, called as their command lines would be, on tiny data and with protocols of a few steps."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from common.results import tables
from papers.dhp import train, tune
from tests.papers.dhp.small import overriding, prepared
from tests.papers.tiny_runs import last_set

SHORT = {
    "permuted": ("permuted.tasks=2", "permuted.hidden=[12, 9]", "permuted.epochs=2", "permuted.importance_images=20"),
    "split": ("split.hidden=[12, 9]", "split.epochs=2", "split.importance_images=10"),
    "vision": (),
}
TUNING = ("tuning.held_out=30", "tuning.epochs=1")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """100 training and 40 test images of MNIST, the digits in turn."""
    return prepared(tmp_path_factory.mktemp("mnist"), "mnist", list(range(10)) * 10, list(range(10)) * 4)


@pytest.fixture
def call(monkeypatch):
    """Calls a stage's main as the command line would."""

    def run(module, *arguments):
        given = last_set(map(str, arguments))
        monkeypatch.setattr(sys, "argv", [module.__name__, "--scale", "smoke", "--device", "cpu", *given])
        module.main()

    return run


def _run(call, module, benchmark, condition, seeds, path, out, *more):
    options = ("--benchmark", benchmark, "--condition", condition, "--seeds", seeds, "--data", path, "--out", out)
    call(module, *options, *overriding(SHORT[benchmark]), *more)
    return tables.read(out)


@pytest.fixture
def trained(call):
    """Trains a condition of a benchmark and returns its table."""
    return partial(_run, call, train)


@pytest.fixture
def tuned(call):
    """Tries one strength and returns the table."""

    def run(benchmark, condition, value, path, out, *more, seeds="1000"):
        own = ("--value", value, *overriding(TUNING), *more)
        return _run(call, tune, benchmark, condition, seeds, path, out, *own)

    return run
