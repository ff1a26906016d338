"""Every stage that computes with torch, on the CPU and on a pretended accelerator: the same tables, and nothing left behind.

Where there is a GPU, also on that.
"""

from __future__ import annotations

import json

import pandas
import pytest
import torch

from common.running.checkpoints import Checkpoint
from papers.sticky_gradient import train as sticky_train
from papers.sticky_gradient.method import StickyGradient
from tests.accelerator import ACCELERATOR, pretended
from tests.papers import tiny_runs
from tests.papers.tiny_runs import STAGES

RESUMED = {  # a stage of each paper that goes on from a checkpoint
    "synaptic_intelligence": """train --benchmark permuted_mnist --condition si-0.1 --seeds 0-1 --data {mnist} \
            --out {out}/si.csv --correlations {out}/correlations.csv""",
    "dhp": "train --benchmark split --condition dhp-ewc --seeds 0-1 --data {mnist} --out {out}/dhp.csv",
    "dan": "meta_train --experiment regression --sharing network --seeds 0-1 --out {out}/network.pt",
    "tsar": """meta_train --condition grow --meta-learning-set rich --iterations 3 --seeds 0-1 --omniglot {omniglot} \
            --out {out}/grow.pt""",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_runs.stand_ins(tmp_path_factory.mktemp("data"))


@pytest.fixture
def call(data):
    def run(paper, command, out, device="cpu"):
        tiny_runs.run(paper, command, out, data, device)

    return run


@pytest.fixture
def folders(tmp_path):
    """For what the CPU and what the accelerator writes."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "accelerator").mkdir()
    return tmp_path / "cpu", tmp_path / "accelerator"


SHARES = ["accuracy", "recall", "held_out"]  # of few images, of which some change sides where kernels round otherwise


# Tables in which single images do: Adam divides a gradient near 0 by its own size, so that roundings grow.
ONE_IMAGE = {"variants.csv": 1.01 / 42, "omniglot_grow.csv": 1.01 / 90}


def check_tables(here, there, shares=1e-5):
    tables = sorted(path.name for path in here.glob("*.csv"))
    assert tables
    for name in tables:
        ours, theirs = (pandas.read_csv(folder / name) for folder in (here, there))
        counted = [column for column in SHARES if column in ours]
        one = max(shares, ONE_IMAGE.get(name, 0))
        pandas.testing.assert_frame_equal(ours[counted], theirs[counted], rtol=1e-3, atol=one)
        pandas.testing.assert_frame_equal(
            ours.drop(columns=counted), theirs.drop(columns=counted), rtol=1e-3, atol=1e-5
        )


def run_all(call, paper, out, *device):
    for command in tiny_runs.commands(paper):
        call(paper, command, out, *device)


@pytest.fixture
def not_compiled(monkeypatch):
    """The sticky gradient compiles for CPUs what accelerators do by tensors: the same but for rounding (see test_fused), by
    which an image may change sides."""
    monkeypatch.setattr(sticky_train, "FusedStickyGradient", StickyGradient)


@pytest.mark.slow
@pytest.mark.parametrize("paper", STAGES)
def test_stages_do_on_an_accelerator_what_they_do_on_the_cpu(paper, call, folders, not_compiled, monkeypatch):
    here, there = folders
    run_all(call, paper, here)
    with pretended(monkeypatch):
        run_all(call, paper, there)
    check_tables(here, there)
    for about in there.glob("*.json"):
        assert json.loads(about.read_text())["device"] == str(ACCELERATOR)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("paper", STAGES)
def test_stages_do_on_a_gpu_what_they_do_on_the_cpu(paper, call, folders, not_compiled):
    here, there = folders
    run_all(call, paper, here)
    run_all(call, paper, there, "cuda")
    check_tables(here, there, shares=0.05)


class Killed(Exception):
    """Stands for a signal."""


@pytest.mark.slow
@pytest.mark.parametrize("paper", RESUMED)
def test_a_killed_run_goes_on_on_an_accelerator(paper, call, folders, monkeypatch):
    here, there = folders
    command, save = RESUMED[paper] + " --checkpoint {out}/state.ckpt", Checkpoint.save

    def save_and_die(self, state):
        save(self, state)
        raise Killed

    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    call(paper, command, here)
    with pretended(monkeypatch):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Checkpoint, "save", save_and_die)
            call(paper, command, there)
        call(paper, command, there)
    check_tables(here, there)
