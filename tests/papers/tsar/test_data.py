"""The images that networks see, scaled as the authors did, and the random sequence in which transfer shows them."""

from __future__ import annotations

import pytest
import torch

from common.data.catalog import DataError
from common.learning.randomness import generator
from papers.tsar.data import by_class, class_by_class, tuning_pool

LABELS = torch.arange(50).repeat(12)[torch.randperm(600, generator=generator("labels of the test"))]
ALL = torch.arange(600)


def test_omniglot_is_scaled_as_the_authors_did(omniglot):
    images, labels = omniglot.batch(torch.arange(40))
    assert images.shape == (40, 3, 28, 28) and labels.tolist() == [0] * 20 + [1] * 20
    assert -0.0428 <= images.min() < -0.02 and 0.003 < images.max() <= 0.0035
    assert torch.equal(images[:, 0], images[:, 2])


def test_tuning_images_are_a_tenth_of_each_class_and_disjoint():
    labels = torch.arange(5).repeat(30)
    tuning, reporting = (tuning_pool(labels, flag) for flag in (True, False))
    assert torch.bincount(labels[tuning]).tolist() == [3] * 5
    assert sorted(torch.cat([tuning, reporting]).tolist()) == list(range(150))


def test_a_pool_by_class_has_every_image_in_the_row_of_its_class():
    pool = ALL[LABELS.argsort(stable=True).view(50, 12)[:, ::2].flatten()]  # six of each class
    rows = by_class(LABELS, pool, 20)
    assert torch.equal(LABELS[rows], torch.arange(20)[:, None].expand(20, 6))
    assert sorted(rows.flatten().tolist()) == sorted(index for index in pool.tolist() if LABELS[index] < 20)
    with pytest.raises(DataError, match="classes have 5 to 6 images"):
        by_class(LABELS, pool[1:], 20)


def test_a_sequence_shows_one_class_after_the_other_and_no_image_twice():
    classes = list(range(0, 50, 5))
    sequence = class_by_class(LABELS, classes, 7, generator(0), ALL)
    labels = LABELS[sequence]
    assert torch.equal(labels, labels[:, :1].expand(10, 7))
    assert sorted(labels[:, 0].tolist()) == classes
    assert len(sequence.unique()) == 70
    assert torch.equal(sequence, class_by_class(LABELS, classes, 7, generator(0), ALL))
    assert not torch.equal(sequence, class_by_class(LABELS, classes, 7, generator(1), ALL))


def test_every_position_is_equally_likely():
    source, labels = generator("positions"), torch.arange(3).repeat_interleave(12)
    counts = torch.zeros(3, 12)
    for _ in range(1200):
        sequence = class_by_class(labels, range(3), 1, source, torch.arange(36))
        counts[sequence[0, 0] // 12, sequence[0, 0] % 12] += 1
    # Multinomial with expectation 33.3 per cell; 5 standard deviations are 28.5.
    assert counts.min() > 4
    assert counts.max() < 62


def test_a_pool_restricts_the_choice_and_all_of_it_can_be_used():
    pool = torch.arange(0, 600, 2)
    fewest = int(torch.bincount(LABELS[pool]).min())
    sequence = class_by_class(LABELS, range(50), fewest, generator(0), pool)
    assert torch.isin(sequence, pool).all()
    repeated = class_by_class(LABELS, range(50), fewest, generator(0), pool.repeat(2).flip(0))
    assert torch.equal(sequence, repeated)


def test_too_few_images_and_repeated_classes_are_named():
    with pytest.raises(ValueError, match="class 7 has 12 images to draw from, but 13 are needed"):
        class_by_class(LABELS, [7], 13, generator(0), ALL)
    with pytest.raises(ValueError, match="class 60 has 0 images"):
        class_by_class(LABELS, [60], 1, generator(0), ALL)
    with pytest.raises(ValueError, match="named twice"):
        class_by_class(LABELS, [1, 2, 1], 1, generator(0), ALL)
