"""Prepared sets become white on black, the digits in order."""

from __future__ import annotations

import numpy
import torch

from papers.dan import data
from tests.papers.dan.small import IMAGES, prepared


def generators(count):
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def test_omniglot_becomes_white_on_black(tmp_path):
    images = numpy.full((10, 12, 12), 255, dtype=numpy.uint8)
    images[:, 4:8] = 0
    path = prepared(tmp_path, "omniglot", "background", images, numpy.arange(10) // 2)
    draw, abouts = data.omniglot(path, IMAGES)
    batch = draw(generators(2))
    assert abouts[0]["name"] == "omniglot" and batch.inputs.shape == (2, 6, 36)
    strokes = batch.inputs[0, 0].view(6, 6)
    assert strokes[0].max() < 0.1 and strokes[2:4].min() > 0.9


def test_mnist_gives_the_digits_in_order_with_images_of_its_seed(tmp_path):
    labels = numpy.arange(60) % 10
    images = numpy.zeros((60, 6, 6), dtype=numpy.uint8)
    images[:, 0, 0], images[:, 0, 1] = labels, numpy.arange(60)
    path = prepared(tmp_path, "mnist", "test", images, labels)
    batch, _ = data.mnist(path, IMAGES, [0, 1])
    digits = (batch.inputs[:, :, 0] * 255).round().long()
    assert digits.tolist() == [[0, 0, 1, 1, 2, 2]] * 2
    numbers = (batch.inputs[:, :, 1] * 255).round().long().tolist()
    assert len(set(numbers[0])) == 6 and numbers[0] != numbers[1]
    alone, _ = data.mnist(path, IMAGES, [1])
    assert torch.equal(alone.inputs[0], batch.inputs[1])
