"""Streams hold the right images, each once, in a random but reproducible order: by task, permuted, joint, by class."""

from __future__ import annotations

import pytest
import torch

from common.randomness import generator
from common.streams import Task, class_by_class, imbalanced, joint, permuted, split

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


def test_split_tasks_hold_the_images_and_outputs_of_their_classes():
    test_labels = torch.tensor([3, 1, 1, 0, 2])
    first, second = split(torch.tensor([0, 1, 2, 3, 1, 0]), test_labels, [(0, 1), (3, 2)], 5)
    assert first.train.tolist() == [0, 1, 4, 5]
    assert first.test.tolist() == [1, 2, 3]
    assert first.outputs.tolist() == [True, True, False, False, False]
    assert second.train.tolist() == [2, 3]
    assert second.test.tolist() == [0, 4]
    assert second.outputs.tolist() == [False, False, True, True, False]
    assert first.permutations is None


def test_split_names_a_class_without_images():
    with pytest.raises(ValueError, match="no training images of class 2"):
        split(torch.tensor([0, 1, 3]), torch.tensor([0, 1]), [(0, 1), (2, 3)], 4)


def test_permuted_tasks_show_all_images_in_orders_of_their_own():
    tasks = permuted(7, 4, 30, 3, generator("permutations"))
    for task in tasks:
        assert task.train.tolist() == list(range(7))
        assert task.test.tolist() == list(range(4))
        assert task.permutations.shape == (1, 30)
        assert task.permutations[0].sort().values.tolist() == list(range(30))
        assert task.outputs is None
    orders = [tuple(task.permutations[0].tolist()) for task in tasks]
    assert orders[0] == tuple(range(30))
    assert len(set(orders)) == 3
    again = permuted(7, 4, 30, 3, generator("permutations"), first_unpermuted=False)
    assert tuple(again[0].permutations[0].tolist()) != orders[0]
    assert [tuple(task.permutations[0].tolist()) for task in again[1:]] == orders[1:]


def test_joint_task_counts_images_on_from_task_to_task():
    tasks = permuted(7, 4, 30, 3, generator("permutations"))
    everything = joint(tasks, 7, 4)
    assert everything.train.tolist() == list(range(21))
    assert everything.test.tolist() == list(range(12))
    assert torch.equal(everything.permutations, torch.cat([task.permutations for task in tasks]))
    few = [Task(torch.tensor([5, 2]), torch.tensor([1]), task.permutations) for task in tasks[:2]]
    assert joint(few, 7, 4).train.tolist() == [5, 2, 12, 9]
    assert joint(few, 7, 4).test.tolist() == [1, 5]


def test_joint_refuses_tasks_without_one_permutation_each():
    tasks = permuted(7, 4, 30, 2, generator("permutations"))
    for bad in (Task(tasks[0].train, tasks[0].test), joint(tasks, 7, 4)):
        with pytest.raises(ValueError, match="one permutation"):
            joint([tasks[0], bad], 7, 4)


# Two tasks over 6,000 images of three classes, in which the classes are removed with these probabilities.
MANY = torch.arange(3).repeat(2000)
REMOVAL = torch.tensor([[0.0, 0.25, 1.0], [0.75, 0.5, 0.25]], dtype=torch.float64)


def test_imbalanced_tasks_lose_of_each_class_the_part_that_was_asked_for():
    tasks = permuted(6000, 4, 30, 2, generator("permutations"))
    for task, thinned, removal in zip(tasks, imbalanced(tasks, MANY, REMOVAL, generator("removed")), REMOVAL):
        assert torch.equal(thinned.test, task.test) and torch.equal(thinned.permutations, task.permutations)
        assert torch.equal(thinned.train, thinned.train.unique())  # each at most once, in the old order
        kept = torch.bincount(MANY[thinned.train], minlength=3) / 2000
        # five standard deviations of a fraction of 2,000 images are at most 0.056
        assert (kept - (1 - removal)).abs().max() < 0.056
    first = imbalanced(tasks, MANY, REMOVAL, generator("removed"))[0]
    assert torch.bincount(MANY[first.train], minlength=3)[[0, 2]].tolist() == [2000, 0]
    assert len(tasks[0].train) == 6000  # the tasks given are as they were


def test_imbalanced_tasks_of_one_generator_are_always_the_same_and_differ_from_task_to_task():
    tasks = permuted(6000, 4, 30, 2, generator("permutations"))
    even = torch.full((2, 3), 0.5, dtype=torch.float64)
    one, again, other = (imbalanced(tasks, MANY, even, generator(key)) for key in ("a", "a", "b"))
    assert all(torch.equal(a.train, b.train) for a, b in zip(one, again, strict=True))
    assert one[0].train.tolist() != other[0].train.tolist()
    assert one[0].train.tolist() != one[1].train.tolist()


def test_imbalanced_counts_in_the_images_of_the_task_and_not_of_the_data_set():
    tasks = [Task(torch.tensor([7, 3, 5]), torch.tensor([0])), Task(torch.tensor([2, 4]), torch.tensor([0]))]
    labels, removal = torch.tensor([1, 1, 0, 1, 1, 0, 1, 1]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert [task.train.tolist() for task in imbalanced(tasks, labels, removal, generator(0))] == [[7, 3], [4]]


def test_imbalanced_refuses_a_task_without_images_and_probabilities_of_another_number_of_tasks():
    tasks = permuted(6, 4, 30, 2, generator("permutations"))
    none_left = torch.tensor([[0.5, 0.5, 0.5], [1.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="no training image of task 2 is left"):
        imbalanced(tasks, MANY[:6], none_left, generator(1))
    with pytest.raises(ValueError, match="zip"):
        imbalanced(tasks, MANY[:6], none_left[:1], generator(1))
