"""Class-by-class streams hold the right images, each once, in a random but reproducible order."""

from __future__ import annotations

import pytest
import torch

from common.randomness import generator
from common.streams import class_by_class

LABELS = torch.arange(50).repeat(12)[torch.randperm(600, generator=generator("labels of the test"))]


def test_every_row_is_one_class_and_no_image_comes_twice():
    classes = list(range(0, 50, 5))
    stream = class_by_class(LABELS, classes, 7, generator(0))
    assert stream.shape == (10, 7)
    assert stream.dtype == torch.long
    labels = LABELS[stream]
    assert torch.equal(labels, labels[:, :1].expand(-1, 7))
    assert sorted(labels[:, 0].tolist()) == classes
    assert len(stream.unique()) == 70


def test_order_of_classes_and_choice_of_images_are_random():
    streams = [class_by_class(LABELS, range(50), 7, generator(seed)) for seed in range(2)]
    orders = [LABELS[stream[:, 0]].tolist() for stream in streams]
    assert orders[0] != orders[1]
    assert list(range(50)) not in orders
    images = [set(stream[order.index(3)].tolist()) for stream, order in zip(streams, orders, strict=True)]
    assert images[0] != images[1]
    assert torch.equal(class_by_class(LABELS, range(50), 7, generator(1)), streams[1])


def test_every_position_is_equally_likely():
    source = generator("positions")
    counts = torch.zeros(3, 12)
    for _ in range(1200):
        stream = class_by_class(torch.arange(3).repeat_interleave(12), range(3), 1, source)
        counts[stream[0, 0] // 12, stream[0, 0] % 12] += 1
    # Multinomial with expectation 33.3 per cell; 5 standard deviations are 28.5.
    assert counts.min() > 4
    assert counts.max() < 62


def test_all_images_of_a_class_can_be_used():
    stream = class_by_class(LABELS, [4, 9], 12, generator(0))
    assert sorted(stream.flatten().tolist()) == torch.isin(LABELS, torch.tensor([4, 9])).nonzero().flatten().tolist()


def test_a_pool_restricts_the_choice():
    pool = torch.arange(0, 600, 2)
    fewest = int(torch.bincount(LABELS[pool]).min())
    stream = class_by_class(LABELS, range(50), fewest, generator(0), pool=pool)
    assert torch.isin(stream, pool).all()
    repeated = class_by_class(LABELS, range(50), fewest, generator(0), pool=pool.repeat(2).flip(0))
    assert torch.equal(stream, repeated)


def test_too_few_images_and_repeated_classes_are_named():
    with pytest.raises(ValueError, match="class 7 has 12 images to draw from, but 13 are needed"):
        class_by_class(LABELS, [7], 13, generator(0))
    with pytest.raises(ValueError, match="class 60 has 0 images"):
        class_by_class(LABELS, [60], 1, generator(0))
    with pytest.raises(ValueError, match="named twice"):
        class_by_class(LABELS, [1, 2, 1], 1, generator(0))
