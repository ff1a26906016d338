"""On real Omniglot characters, where a method that silently does nothing would show."""

import os

import numpy as np
import pytest
import torch

from common.data import prepare
from papers.tsar import data, meta_train
from tests.papers.tsar.small import SMOKE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR"),
]


@pytest.fixture(scope="module")
def omniglot(tmp_path_factory):
    return data.omniglot(prepare.smoke("omniglot", root=tmp_path_factory.mktemp("data")), torch.device("cpu"))


@pytest.mark.parametrize("condition", ["grow", "sculpt", "oml"])
def test_meta_learning_gets_better_than_guessing(omniglot, condition):
    """After 600 iterations the outer loss over 60 classes is below log(60), that of a uniform guess, by a twentieth."""
    assert omniglot.about["completeness"] == "subset"
    learner = meta_train.MetaLearner(condition, "rich", 0, omniglot, SMOKE)
    for _ in range(600):
        learner.step()
    losses = [row["value"] for row in learner.log if row["quantity"] == "outer loss"]
    assert losses[0] > np.log(60)
    assert np.mean(losses[-20:]) < 0.95 * np.log(60)


def test_omniglot_is_read_the_right_way_round(omniglot):
    """Ink is the darker, rarer value: the corner of nearly every drawing is paper, and strokes cover little of it."""
    images, _ = omniglot.batch(torch.arange(len(omniglot.labels)))
    paper = images.max()
    assert (images[:, 0, 0, 0] > 0.9 * paper).float().mean() > 0.95
    ink = (images[:, 0] < 0.5 * (images.min() + paper)).float().mean()
    assert 0.01 < ink < 0.2
