"""The three benchmarks as streams: each task holds the images, labels and outputs that the paper gives it."""

from __future__ import annotations

import dataclasses

import numpy
import pytest
import torch

from common.data.catalog import DataError
from common.data.load import load
from papers.synaptic_intelligence import data
from tests.papers.synaptic_intelligence.small import SMOKE, marks, prepared

CPU = torch.device("cpu")
PERMUTED = dataclasses.replace(SMOKE.permuted_mnist, tasks=3)
CIFAR = dataclasses.replace(SMOKE.cifar, cifar100_tasks=2)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """300 training and 40 test images, digits in turn."""
    return prepared(tmp_path_factory.mktemp("mnist"), "mnist", list(range(10)) * 30, list(range(10)) * 4)


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """CIFAR-10 with 5 and 2 images per class, CIFAR-100 with 3 and 1, in descending order of class."""
    folder = tmp_path_factory.mktemp("cifar")
    hundred = list(range(99, -1, -1))
    return [
        prepared(folder, "cifar10", list(range(10)) * 5, list(range(10)) * 2),
        prepared(folder, "cifar100", hundred * 3, hundred),
    ]


def test_split_mnist_is_five_tasks_of_two_digits_with_two_outputs_each(mnist):
    stream, abouts = data.stream(SMOKE.split_mnist, [mnist], "si-1", [0, 1], CPU)
    assert [about["name"] for about in abouts] == ["mnist"]
    assert len(stream.tasks) == 5 and stream.evaluated is stream.tasks
    for number, (first, second) in enumerate(stream.tasks):
        pair = {2 * number, 2 * number + 1}
        assert first is second and first.permutations is None
        assert len(first.train) == 60 and len(first.test) == 8
        assert set(stream.train.labels[first.train].tolist()) == pair
        assert set(stream.test.labels[first.test].tolist()) == pair
        assert set(first.outputs.nonzero().flatten().tolist()) == pair and len(first.outputs) == 10
    assert marks(stream.train.pixels) == [("train", number) for number in range(300)]
    assert marks(stream.test.pixels) == [("test", number) for number in range(40)]


def test_permuted_mnist_shows_the_first_task_as_it_is_and_the_others_in_an_order_of_the_seeds_own(mnist):
    stream, _ = data.stream(PERMUTED, [mnist], "si-0", [0, 7], CPU)
    assert len(stream.tasks) == 3 and stream.evaluated is stream.tasks
    tasks = [task for replicas in stream.tasks for task in replicas]
    assert all(len(task.train) == 300 and len(task.test) == 40 and task.outputs is None for task in tasks)
    plain, again, *others = (tuple(task.permutations[0].tolist()) for task in tasks)
    assert plain == again == tuple(range(784)) and len({plain, *others}) == 5
    alone, _ = data.stream(PERMUTED, [mnist], "si-0", [7], CPU)
    assert torch.equal(alone.tasks[2][0].permutations, stream.tasks[2][1].permutations)


def test_joint_training_sees_all_permutations_at_once_and_is_evaluated_on_each(mnist):
    stream, _ = data.stream(PERMUTED, [mnist], "joint", [0, 7], CPU)
    separate, _ = data.stream(PERMUTED, [mnist], "si-0", [0, 7], CPU)
    assert len(stream.tasks) == 1 and len(stream.evaluated) == 3
    for replica, task in enumerate(stream.tasks[0]):
        orders = [replicas[replica].permutations for replicas in separate.tasks]
        assert len(task.train) == 900 and torch.equal(task.permutations, torch.cat(orders))
        assert all(torch.equal(own[replica].permutations, order) for own, order in zip(stream.evaluated, orders))


def test_cifar_is_all_of_cifar10_and_then_ten_classes_of_cifar100_per_task(cifar):
    """Labels 0 to 9 are CIFAR-10's classes, label 10 + k is class k of CIFAR-100."""
    stream, abouts = data.stream(CIFAR, cifar, "scratch", [0, 1], CPU)
    assert [about["name"] for about in abouts] == ["cifar10", "cifar100"] and CIFAR.outputs == 30
    assert stream.train.pixels.shape == (50 + 60, 3, 32, 32) and stream.test.pixels.shape == (20 + 20, 3, 32, 32)
    for number, (first, second) in enumerate(stream.tasks):
        classes = set(range(10 * number, 10 * number + 10))
        assert set(stream.train.labels[first.train].tolist()) == classes
        assert set(stream.test.labels[second.test].tolist()) == classes
        assert set(first.outputs.nonzero().flatten().tolist()) == classes and len(first.outputs) == 30
    assert [len(replicas[0].train) for replicas in stream.tasks] == [50, 30, 30]
    ten, hundred = (load(path).splits["train"] for path in cifar)
    pixels, chosen = stream.train.pixels.permute(0, 2, 3, 1).numpy(), hundred.labels < 20
    assert numpy.array_equal(pixels, numpy.concatenate([ten.images, hundred.images[chosen]]))
    assert stream.train.labels.tolist() == [*ten.labels, *(hundred.labels[chosen] + 10)]


def test_held_out_images_are_training_images_apart_and_test_images_are_left_alone(mnist):
    stream, _ = data.stream(PERMUTED, [mnist], "ewc", [1000], CPU, held_out=100)
    kept, apart = marks(stream.train.pixels), marks(stream.test.pixels)
    assert len(kept) == 200 and len(apart) == 100
    assert sorted(kept + apart) == [("train", number) for number in range(300)]
    for images, marked in ((stream.train, kept), (stream.test, apart)):
        assert images.labels.tolist() == [number % 10 for _, number in marked]
    assert len(stream.tasks[0][0].train) == 200 and len(stream.tasks[0][0].test) == 100
    assert min(apart)[1] < 50 and max(apart)[1] >= 250  # spread over the file
    other, _ = data.stream(PERMUTED, [mnist], "sgd", [1001, 1002], CPU, held_out=100)
    assert torch.equal(other.test.pixels, stream.test.pixels)  # always the same


def test_what_cannot_serve_is_refused(mnist, cifar, tmp_path):
    def refused(message, settings, *paths, held_out=0):
        with pytest.raises(DataError, match=message):
            data.stream(settings, paths, "si-0", [0], CPU, held_out)

    refused("mnist.npz has 300 training images: too few to hold 300 out", PERMUTED, mnist, held_out=300)
    refused("python -m common.data.prepare mnist", PERMUTED, tmp_path / "mnist.npz")
    digits, classes = [digit for digit in range(10) if digit != 7] * 3, [label for label in range(100) if label != 13]
    without = prepared(tmp_path, "mnist", digits, digits)
    refused("mnist.npz cannot be cut into tasks: .* no training images of class 7", SMOKE.split_mnist, without)
    for labels in ((classes, range(100)), (range(100), classes)):
        without = prepared(tmp_path, "cifar100", *labels)
        refused("cifar100.npz has no images of class 13, which this benchmark needs", CIFAR, cifar[0], without)
        fewer = dataclasses.replace(CIFAR, cifar100_tasks=1)
        data.stream(fewer, [cifar[0], without], "si-0", [0], CPU)  # which needs classes 0 to 9 alone
