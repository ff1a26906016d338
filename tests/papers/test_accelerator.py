"""Every stage that computes with torch, on the CPU and on a pretended accelerator: the same tables, and nothing left behind.

Where there is a GPU, also on that.
"""

from __future__ import annotations

import importlib
import json
import sys

import pandas
import pytest
import torch

from common.data import prepare
from common.running.checkpoints import Checkpoint
from papers.sticky_gradient import train as sticky_train
from papers.sticky_gradient.method import StickyGradient
from tests.accelerator import ACCELERATOR, pretended

SETS = ("mnist", "cifar10", "cifar100", "omniglot", "imagenet")
TINY = {  # protocols of a few steps
    "synaptic_intelligence": """
        split_mnist.hidden=[8] split_mnist.epochs=1
        permuted_mnist.hidden=[8,8] permuted_mnist.epochs=1 permuted_mnist.fisher_images=20
        cifar.channels=[2,3] cifar.dense=4 cifar.epochs=1 cifar.batch=100""",
    "sticky_gradient": """
        training.hidden=8 training.tasks=2 training.fisher_images=10 search.trials=1 search.held_out=50""",
    "dhp": """
        permuted.tasks=2 permuted.hidden=[8,8] permuted.epochs=1 permuted.importance_images=20
        imbalanced.tasks=2 imbalanced.hidden=[8,8] imbalanced.epochs=1
        split.hidden=[8,8] split.epochs=1 split.importance_images=10
        vision.channels=[2,3] vision.dense=6 vision.epochs=1 vision.importance_images=10""",
    "dan": """
        regression.sequences=1 regression.nodes=[1,4,3,1] regression.n_channels=3 regression.hidden=[4,3]
        regression.steps_per_task=2 images.sequences=1 images.tasks=2 images.steps_per_task=2
        images.nodes=[196,4,3,4,196] design.functions=2 design.shown_functions=1""",
    "tsar": "meta_learning.iterations=3 meta_learning.percentile_every=3",
}
# One command a line, in an order in which the later ones find what the earlier wrote.
STAGES = {
    "synaptic_intelligence": """
        train --benchmark split_mnist --condition si-1 --seeds 0-1 --data {mnist} --out {out}/split.csv
        train --benchmark permuted_mnist --condition si-0.1 --seeds 0-1 --data {mnist} --out {out}/si.csv \
            --correlations {out}/correlations.csv
        train --benchmark permuted_mnist --condition dropout --seeds 0-1 --data {mnist} --out {out}/dropout.csv
        train --benchmark permuted_mnist --condition joint --seeds 0-1 --data {mnist} --out {out}/joint.csv
        tune --condition ewc --value 100 --seeds 1000 --data {mnist} --out {out}/tuning.csv
        train --benchmark permuted_mnist --condition ewc --seeds 0-1 --data {mnist} --out {out}/ewc.csv \
            --tuning {out}/tuning.csv
        train --benchmark cifar --condition si-0.1 --seeds 0-1 --data {cifar10} {cifar100} --out {out}/cifar.csv
        train --benchmark cifar --condition scratch --seeds 0 --data {cifar10} {cifar100} --out {out}/scratch.csv""",
    "sticky_gradient": """
        train --condition sticky-l1-smart --seeds 0-1 --data {mnist} --out {out}/full.csv --weights {out}/weights.csv
        train --condition ewc --seeds 0 --data {mnist} --out {out}/ewc.csv
        train --condition ewc --reading unit-gradient-sum-online --seeds 0 --data {mnist} --out {out}/online.csv
        train --condition sticky --reading standardised-step-none-biases --shared 0.6 --seeds 0-1 --data {mnist} \
            --out {out}/step.csv
        search --reading unit-gradient-mean --study {out}/study.db --data {mnist} --out {out}/search.csv
        trajectories --data {mnist} --out {out}/trajectories.csv""",
    "dhp": """
        train --benchmark split --condition finetune-single --seeds 0-1 --data {mnist} --out {out}/single.csv
        train --benchmark split --condition dhp-ewc --seeds 0-1 --data {mnist} --out {out}/ewc.csv
        train --benchmark permuted --condition dhp --seeds 0-1 --data {mnist} --out {out}/permuted.csv \
            --plasticity {out}/plasticity.csv
        train --benchmark imbalanced --condition dhp-si --seeds 0-1 --data {mnist} --out {out}/imbalanced.csv
        train --benchmark vision --condition dhp-mas --seeds 0-1 --data {mnist} {cifar10} --out {out}/vision.csv
        tune --benchmark split --condition mas --value 1 --seeds 1000 --data {mnist} --out {out}/tuning.csv
        update --data {mnist} --out {out}/update.csv""",
    "dan": """
        meta_train --experiment regression --sharing network --seeds 0-1 --out {out}/network.pt
        meta_train --experiment regression --sharing layer --seeds 0-1 --out {out}/layer.pt
        meta_train --experiment regression --sharing none --seeds 0-1 --out {out}/none.pt
        deploy --seeds 0-1 --phenotypes {out}/network.pt --stages {out}/stages.csv --curves {out}/curves.csv \
            --predictions {out}/predictions.csv
        meta_train --experiment images --seeds 0-1 --omniglot {omniglot} --out {out}/images.pt
        deploy_images --condition both --seeds 0-1 --phenotypes {out}/images.pt --mnist {mnist} \
            --errors {out}/errors.csv --grids {out}/grids.csv
        diagram --out {out}/diagram.csv""",
    "tsar": "".join(
        f"""
        meta_train --condition {condition} --meta-learning-set rich --seeds 0 --omniglot {{omniglot}} --out {{out}}/0.pt \
            --checkpoint {{out}}/0.ckpt
        meta_train --condition {condition} --meta-learning-set rich --seeds 1000 --omniglot {{omniglot}} \
            --out {{out}}/1000.pt --checkpoint {{out}}/1000.ckpt
        tune --condition {condition} --meta-learning-set rich --imagenet {{imagenet}} --models {{out}}/1000.pt \
            --out {{out}}/tuning_{condition}.csv
        transfer --condition {condition} --meta-learning-set rich --seeds 0 --imagenet {{imagenet}} --models {{out}}/0.pt \
            --tuning {{out}}/tuning_{condition}.csv --out {{out}}/{condition}.csv"""
        for condition in ("grow", "oml", "anml")
    ),
}
RESUMED = {  # a stage of each paper that goes on from a checkpoint
    "synaptic_intelligence": """train --benchmark permuted_mnist --condition si-0.1 --seeds 0-1 --data {mnist} \
            --out {out}/si.csv --correlations {out}/correlations.csv""",
    "dhp": "train --benchmark split --condition dhp-ewc --seeds 0-1 --data {mnist} --out {out}/dhp.csv",
    "dan": "meta_train --experiment regression --sharing network --seeds 0-1 --out {out}/network.pt",
    "tsar": "meta_train --condition grow --meta-learning-set rich --seeds 0-1 --omniglot {omniglot} --out {out}/grow.pt",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Stand-ins for all data sets, whatever real data is at hand: name -> path."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return {name: prepare.smoke(name, root=root) for name in SETS}


@pytest.fixture
def call(monkeypatch, data):
    """Calls a stage of a paper as its command line would, with a tiny protocol."""

    def run(paper, command, out, device="cpu"):
        stage, *arguments = command.format(out=out, **data).split()
        overrides = [argument for override in TINY[paper].split() for argument in ("--set", override)]
        monkeypatch.setattr(sys, "argv", [stage, "--scale", "smoke", "--device", device, *arguments, *overrides])
        importlib.import_module(f"papers.{paper}.{stage}").main()

    return run


@pytest.fixture
def folders(tmp_path):
    """For what the CPU and what the accelerator writes."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "accelerator").mkdir()
    return tmp_path / "cpu", tmp_path / "accelerator"


SHARES = ["accuracy", "recall"]  # of few images, of which some change sides where kernels round otherwise


def check_tables(here, there, shares=1e-5):
    tables = sorted(path.name for path in here.glob("*.csv"))
    assert tables
    for name in tables:
        ours, theirs = (pandas.read_csv(folder / name) for folder in (here, there))
        counted = [column for column in SHARES if column in ours]
        pandas.testing.assert_frame_equal(ours[counted], theirs[counted], rtol=1e-3, atol=shares)
        pandas.testing.assert_frame_equal(
            ours.drop(columns=counted), theirs.drop(columns=counted), rtol=1e-3, atol=1e-5
        )


def run_all(call, paper, out, *device):
    for command in STAGES[paper].strip().splitlines():
        call(paper, command, out, *device)


@pytest.fixture
def not_compiled(monkeypatch):
    """The sticky gradient compiles for CPUs what accelerators do by tensors: the same but for rounding (see test_fused), by
    which an image may change sides."""
    monkeypatch.setattr(sticky_train, "FusedStickyGradient", StickyGradient)


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
