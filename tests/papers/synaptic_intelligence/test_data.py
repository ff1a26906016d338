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
    for number, replicas in enumerate(stream.tasks):
        pair = {2 * number, 2 * number + 1}
        assert len(replicas) == 2 and replicas[0] is replicas[1]
        assert len(replicas[0].train) == 60 and len(replicas[0].test) == 8
        assert set(stream.train.labels[replicas[0].train].tolist()) == pair
        assert set(stream.test.labels[replicas[0].test].tolist()) == pair
        assert set(replicas[0].outputs.nonzero().flatten().tolist()) == pair and len(replicas[0].outputs) == 10
        assert replicas[0].permutations is None


def test_images_come_from_their_own_split_in_the_files_order(mnist):
    stream, _ = data.stream(SMOKE.split_mnist, [mnist], "si-0", [0], CPU)
    assert marks(stream.train.pixels) == [("train", number) for number in range(300)]
    assert marks(stream.test.pixels) == [("test", number) for number in range(40)]


def test_permuted_mnist_shows_the_first_task_as_it_is_and_the_others_in_an_order_of_the_seeds_own(mnist):
    stream, _ = data.stream(PERMUTED, [mnist], "si-0", [0, 7], CPU)
    assert len(stream.tasks) == 3 and stream.evaluated is stream.tasks
    for replicas in stream.tasks:
        for task in replicas:
            assert torch.equal(task.train, torch.arange(300)) and torch.equal(task.test, torch.arange(40))
            assert task.outputs is None and task.permutations.shape == (1, 784)
            assert torch.equal(task.permutations[0].sort().values, torch.arange(784))
    first, *others = ([tuple(task.permutations[0].tolist()) for task in replicas] for replicas in stream.tasks)
    assert first == [tuple(range(784))] * 2
    drawn = [order for replicas in others for order in replicas]
    assert len({*drawn, first[0]}) == 5
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
    indices = torch.tensor([[301], [301]])  # image 1 with the second permutation
    inputs, labels = stream.train.batch(indices, [task.permutations for task in stream.tasks[0]])
    expected, _ = separate.train.batch(indices - 300, [task.permutations for task in separate.tasks[1]])
    assert torch.equal(inputs, expected) and labels.tolist() == [[1], [1]]


def test_cifar_is_all_of_cifar10_and_then_ten_classes_of_cifar100_per_task(cifar):
    stream, abouts = data.stream(CIFAR, cifar, "scratch", [0, 1], CPU)
    assert [about["name"] for about in abouts] == ["cifar10", "cifar100"] and data.outputs(CIFAR) == 30
    assert stream.train.pixels.shape == (50 + 60, 3, 32, 32) and stream.test.pixels.shape == (20 + 20, 3, 32, 32)
    for number, replicas in enumerate(stream.tasks):
        classes = set(range(10 * number, 10 * number + 10))
        assert set(stream.train.labels[replicas[0].train].tolist()) == classes
        assert set(stream.test.labels[replicas[1].test].tolist()) == classes
        assert set(replicas[0].outputs.nonzero().flatten().tolist()) == classes and len(replicas[0].outputs) == 30
    assert [len(replicas[0].train) for replicas in stream.tasks] == [50, 30, 30]


def test_cifar_images_keep_their_labels(cifar):
    """Labels 0 to 9 are CIFAR-10's classes, label 10 + k is class k of CIFAR-100."""
    stream, _ = data.stream(CIFAR, cifar, "si-0", [0], CPU)
    ten, hundred = (load(path).splits["train"] for path in cifar)
    pixels = stream.train.pixels.permute(0, 2, 3, 1).numpy()
    assert numpy.array_equal(pixels[:50], ten.images) and stream.train.labels[:50].tolist() == ten.labels.tolist()
    chosen = hundred.labels < 20
    assert numpy.array_equal(pixels[50:], hundred.images[chosen])
    assert stream.train.labels[50:].tolist() == (hundred.labels[chosen] + 10).tolist()


def test_held_out_images_are_training_images_apart_and_test_images_are_left_alone(mnist):
    stream, _ = data.stream(PERMUTED, [mnist], "ewc", [1000], CPU, held_out=100)
    kept, apart = marks(stream.train.pixels), marks(stream.test.pixels)
    assert len(kept) == 200 and len(apart) == 100
    assert sorted(kept + apart) == [("train", number) for number in range(300)]
    for images, marked in ((stream.train, kept), (stream.test, apart)):
        assert images.labels.tolist() == [number % 10 for _, number in marked]
    assert len(stream.tasks[0][0].train) == 200 and len(stream.tasks[0][0].test) == 100


def test_the_held_out_images_are_always_the_same_and_spread_over_the_file(mnist):
    streams = [data.stream(PERMUTED, [mnist], "sgd", seeds, CPU, held_out=100)[0] for seeds in ([1000], [1001, 1002])]
    assert torch.equal(streams[0].test.pixels, streams[1].test.pixels)
    numbers = [number for _, number in marks(streams[0].test.pixels)]
    assert min(numbers) < 50 and max(numbers) >= 250


@pytest.mark.parametrize("held_out", [300, 10_000])
def test_holding_out_everything_is_refused(mnist, held_out):
    with pytest.raises(DataError, match=f"mnist.npz has 300 training images: too few to hold {held_out} out"):
        data.stream(PERMUTED, [mnist], "ewc", [1000], CPU, held_out)


def test_a_digit_that_is_missing_is_named(tmp_path):
    labels = [digit for digit in range(10) if digit != 7] * 3
    with pytest.raises(DataError, match="mnist.npz cannot be cut into tasks: .* no training images of class 7"):
        data.stream(SMOKE.split_mnist, [prepared(tmp_path, "mnist", labels, labels)], "si-1", [0], CPU)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_of_cifar100_that_is_missing_is_named_with_its_file(cifar, tmp_path, split):
    labels = {"train": list(range(100)), "test": list(range(100))}
    labels[split].remove(13)
    path = prepared(tmp_path, "cifar100", labels["train"], labels["test"])
    with pytest.raises(DataError, match=r"cifar100.npz has no images of class 13, which this benchmark needs"):
        data.stream(CIFAR, [cifar[0], path], "si-0", [0], CPU)
    data.stream(dataclasses.replace(CIFAR, cifar100_tasks=1), [cifar[0], path], "si-0", [0], CPU)  # needs only 0 to 9


def test_a_missing_file_comes_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(DataError, match=r"python -m common.data.prepare mnist"):
        data.stream(PERMUTED, [tmp_path / "mnist.npz"], "si-0", [0], CPU)
