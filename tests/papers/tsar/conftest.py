"""Stand-ins for Omniglot and ImageNet at smoke scale, whatever real data is at hand; and stages called by hand."""

import sys

import pytest
import torch

from common.data import prepare
from papers.tsar import data, meta_train

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    """The folder with both prepared files."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        for name in ("omniglot", "imagenet"):
            prepare.smoke(name, root=root)
    return root / "smoke"


@pytest.fixture(scope="session")
def omniglot(stand_ins):
    return data.omniglot(stand_ins / "omniglot.npz", CPU)


@pytest.fixture(scope="session")
def imagenet(stand_ins):
    return data.photographs(stand_ins / "imagenet.npz", CPU)


@pytest.fixture
def call(monkeypatch):
    """Calls a stage's main as its command line would, at smoke scale: call(transfer, "--seeds", "0-1", ...)."""

    def run(module, *arguments):
        monkeypatch.setattr(sys, "argv", ["stage", "--scale", "smoke", "--device", "cpu", *map(str, arguments)])
        module.main()

    return run


@pytest.fixture
def meta_learn(call, stand_ins):
    """Meta-learns models of Grow: meta_learn(out, seeds, *further_arguments, iterations=12); checkpoint: by default out's."""

    def run(out, seeds, *more, iterations=12, checkpoint=None):
        grow = ("--condition", "grow", "--meta-learning-set", "rich", "--seeds", seeds, "--iterations", iterations)
        files = ("--omniglot", stand_ins / "omniglot.npz", "--out", out)
        call(meta_train, *grow, *files, "--checkpoint", checkpoint or out.with_suffix(".ckpt"), *more)

    return run
