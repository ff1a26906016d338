"""Streams hold the right images, each once, in a random but reproducible order: by task, permuted, joint."""

from __future__ import annotations

import pytest
import torch

from common.learning.randomness import generator
from common.learning.streams import Task, imbalanced, joint, permuted, split


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
    for bad in (Task(tasks[0].train, tasks[0].test), everything):
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
