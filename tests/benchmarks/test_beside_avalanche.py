"""The benchmark beside Avalanche: equal networks and images, and one line where Avalanche is not installed."""

from __future__ import annotations

import sys

import pytest
import torch

from benchmarks import beside_avalanche, continual
from common.learning.replicas import Mlp

CPU = torch.device("cpu")


@pytest.mark.slow
def test_without_avalanche_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "avalanche.benchmarks", None)
    monkeypatch.setattr(continual, "TRAIN_IMAGES", 640)
    with pytest.raises(SystemExit, match=r"pip install avalanche-lib==0\.6\.0"):
        continual.avalanche(2, 1, CPU)


def test_tasks_show_the_same_images_in_other_orders_of_their_pixels():
    images = continual.random_images(100, CPU)
    (first, labels), (second, others) = beside_avalanche.tasks(images, 100)
    assert first.shape == second.shape == (100, 784) and not torch.equal(first.sort(0).values, second)
    sums = [part.sum(1)[order.argsort()] for part, order in ((first, first.sum(1)), (second, second.sum(1)))]
    torch.testing.assert_close(*sums)
    assert sorted(labels.tolist()) == sorted(others.tolist()) == sorted(images.labels.tolist())


@pytest.mark.slow
def test_avalanche_trains_a_network_of_our_size():
    pytest.importorskip("avalanche", reason="needs avalanche-lib, which is no requirement")
    epochs = beside_avalanche.their_loops(continual.random_images(640, CPU), 3, CPU)
    assert epochs.keys() == continual.METHODS.keys()
    assert all(cpu > 0 and wall > 0 for cpu, wall in (epoch() for epoch in epochs.values()))


def test_both_have_two_hidden_layers_of_equal_size():
    assert continual.SIZES[1] == continual.SIZES[2]  # which is all that Avalanche's perceptron can have
    assert len(Mlp(continual.SIZES).initial([0])) == 6
