"""Batches hold the right image, label and order of pixels for every replica, as a plain loop finds them."""

from __future__ import annotations

import numpy
import pytest
import torch

from common.learning.images import Images
from common.learning.randomness import generator

N, PIXELS = 6, 12
CPU = torch.device("cpu")
PICTURES = numpy.random.default_rng(0).integers(256, size=(N, 3, 4), dtype=numpy.uint8)
LABELS = numpy.array([4, 0, 3, 3, 1, 2])


def orders(count, seed):
    return torch.stack([torch.randperm(PIXELS, generator=generator(seed, k)) for k in range(count)])


def test_images_as_they_are_and_as_they_stay():
    images = Images(PICTURES.copy(), LABELS, CPU, flat=True)
    inputs, labels = images.batch(torch.tensor([[5, 0], [2, 2]]), [None, None])
    assert inputs.dtype == torch.float32
    assert torch.equal(labels, torch.tensor([[2, 4], [3, 3]]))
    expected = PICTURES.reshape(N, PIXELS)[[[5, 0], [2, 2]]].astype(numpy.float32) / 255
    assert numpy.array_equal(inputs.numpy(), expected)
    assert images.pixels.dtype == torch.uint8
    assert numpy.array_equal(images.pixels.numpy(), PICTURES.reshape(N, PIXELS))


@pytest.mark.parametrize("count", [1, 4])
def test_permutations_and_joint_indices_equal_a_plain_loop(count):
    replicas = [orders(count, seed) for seed in range(3)]
    indices = torch.randint(count * N, (3, 20), generator=generator("indices"))
    inputs, labels = Images(PICTURES, LABELS, CPU, flat=True).batch(indices, replicas)
    assert inputs.shape == (3, 20, PIXELS)
    flat = PICTURES.reshape(N, PIXELS)
    for r in range(3):
        for b in range(20):
            k, i = divmod(int(indices[r, b]), N)
            expected = [flat[i, column] / 255 for column in replicas[r][k].tolist()]
            assert inputs[r, b].tolist() == pytest.approx(expected, rel=1e-6)
            assert labels[r, b] == LABELS[i]


def test_colour_images_have_their_channels_first_and_grey_ones_have_one():
    colours = numpy.random.default_rng(1).integers(256, size=(N, 5, 4, 3), dtype=numpy.uint8)
    images = Images(colours, LABELS, CPU, flat=False)
    inputs, _ = images.batch(torch.tensor([[1, 4]]), [None])
    assert inputs.shape == (1, 2, 3, 5, 4)
    assert inputs[0, 1, 2, 3, 1].item() == pytest.approx(colours[4, 3, 1, 2] / 255)
    assert len(images) == N
    inputs, _ = Images(PICTURES, LABELS, CPU, flat=False).batch(torch.tensor([[1]]), [None])
    assert inputs.shape == (1, 1, 1, 3, 4)
    assert inputs[0, 0, 0, 2, 3].item() == pytest.approx(PICTURES[1, 2, 3] / 255)
