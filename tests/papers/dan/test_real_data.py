"""On real Omniglot and MNIST, where a method that silently does nothing would show."""

from __future__ import annotations

import dataclasses
import os
from functools import partial

import pytest
import torch

from common.data import prepare
from papers.dan import data, deploy_images, meta_train
from papers.dan.method import learn_sequence
from papers.dan.model import build, initial_synapses, random_phenotypes
from tests.papers.dan.small import CPU, SMOKE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR"),
]
SETTINGS = dataclasses.replace(SMOKE.images, steps_per_task=6, sequences=4)
SEEDS = [0, 1]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """How to draw sequences of Omniglot, and MNIST's digits in order."""
    root = tmp_path_factory.mktemp("data")
    draw, about = data.omniglot(prepare.smoke("omniglot", root=root), SETTINGS)
    batch, also = data.mnist(prepare.smoke("mnist", root=root), SETTINGS, SEEDS)
    assert [one["completeness"] for one in about + also] == ["subset", "subset"]
    return draw, batch


def test_omniglot_and_mnist_are_both_white_on_black(drawn):
    draw, digits = drawn
    for images in (draw([torch.Generator().manual_seed(seed) for seed in range(4)]).inputs, digits.inputs):
        assert images.min() >= 0 and images.max() > 0.8 and 0.05 < images.mean() < 0.25
        assert images[..., 0].max() < 0.1  # the corner is paper


def test_meta_training_on_characters_helps_with_digits(drawn):
    """Phenotypes meta-trained for four short sequences reconstruct digits better than random ones."""
    draw, digits = drawn
    network = build(SETTINGS, "layer")
    learner = meta_train.MetaLearner(network, SETTINGS, SEEDS, "both", draw, CPU)
    meta_train.train(learner, "characters", None)

    def final_error(phi):
        theta, seen = initial_synapses(network, SEEDS), deploy_images.Reconstructions(SETTINGS, "both", SEEDS, digits)
        learn_sequence(network, theta, phi, digits, SETTINGS, False, partial(seen.observe, network, theta, phi))
        return sum(row["loss"] for row in seen.errors if row["step"] == len(digits.shown))

    assert final_error(learner.phi) < 0.9 * final_error(random_phenotypes(network, SEEDS))
