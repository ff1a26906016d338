"""The benchmarks: what is shown, what is asked, and what joint training sees."""

from __future__ import annotations

import json

import numpy
import pytest
import torch

from studies.cross_benchmark import data
from studies.cross_benchmark.protocol import BENCHMARKS, CIFAR

CPU = torch.device("cpu")


def numbered(path, name, shape, classes, counts):
    """A data set whose first two pixels say split and number."""
    arrays = {}
    for code, (split, count) in enumerate(zip(("train", "test"), counts, strict=True)):
        images = numpy.zeros((count, *shape), numpy.uint8)
        pixels = images.reshape(count, -1)
        pixels[:, 0], pixels[:, shape[-1] if len(shape) == 3 else 1] = code, numpy.arange(count) % 256
        arrays |= {f"{split}_images": images, f"{split}_labels": numpy.arange(count) % classes}
    about = {"name": name, "source": "stand-in", "completeness": "stand-in", "description": "numbers"}
    numpy.savez(path, about=json.dumps(about | {"splits": {"train": None, "test": None}}), **arrays)
    return str(path)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """Ten training and four test images of each digit."""
    return numbered(tmp_path_factory.mktemp("data") / "mnist.npz", "mnist", (28, 28), 10, (100, 40))


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """Twenty training images and a test image of each of the hundred classes."""
    return numbered(tmp_path_factory.mktemp("data") / "cifar100.npz", "cifar100", (32, 32, 3), 100, (2000, 100))


def test_split_mnist_asks_three_questions_of_the_same_images(mnist):
    streams = {name: data.stream(name, 0, mnist, [0, 1], CPU)[0] for name in BENCHMARKS if name.startswith("split")}
    for task in range(5):
        shown = [own.tasks[task][0] for own in streams.values()]
        assert all(torch.equal(shown[0].train, other.train) for other in shown)
        digits = [stream.train.labels[shown[0].train].unique().tolist() for stream in streams.values()]
        assert digits == [[2 * task, 2 * task + 1], [0, 1], [2 * task, 2 * task + 1]]
        assert [own.outputs is None for own in shown] == [False, True, True]
        assert shown[0].outputs.nonzero()[:, 0].tolist() == [2 * task, 2 * task + 1]
    assert [data.classes(name, 5) for name in streams] == [10, 2, 10]


def test_split_cifar_shows_the_first_classes_ten_at_a_time_in_colour(cifar):
    stream, _ = data.stream(CIFAR, 3, cifar, [0, 1], CPU)
    assert stream.train.pixels.shape == (600, 3, 32, 32) and len(stream.tasks) == 3
    for number, (task, other) in enumerate(stream.tasks):
        assert torch.equal(task.train, other.train) and task.outputs.shape == (30,)
        wanted = list(range(10 * number, 10 * number + 10))
        assert stream.train.labels[task.train].unique().tolist() == wanted == task.outputs.nonzero()[:, 0].tolist()
    held, _ = data.stream(CIFAR, 3, cifar, [0], CPU, held_out=200)
    assert len(held.train) == 400 and len(held.test) == 200 and held.test.pixels[:, 0, 0, 0].eq(0).all()


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_joint_training_sees_every_image_of_every_task_once_and_is_tested_on_each(mnist, cifar, benchmark):
    path = cifar if benchmark == CIFAR else mnist
    apart, _ = data.stream(benchmark, 3, path, [0, 1], CPU)
    joint, _ = data.stream(benchmark, 3, path, [0, 1], CPU, at_once=True)
    assert len(joint.tasks) == 1 and len(joint.evaluated) == len(apart.tasks)
    for seed in (0, 1):
        assert len(joint.tasks[0][seed].train) == sum(len(task[seed].train) for task in apart.tasks)
        for task, own in zip(apart.tasks, joint.evaluated, strict=True):
            assert torch.equal(task[seed].test, own[seed].test)
    assert joint.tasks[0][0].outputs is None


def test_imbalanced_tasks_lack_the_same_images_for_all_seeds_in_an_order_of_each(mnist):
    whole, _ = data.stream("permuted", 3, mnist, [0, 1], CPU)
    thinned, _ = data.stream("imbalanced", 3, mnist, [0, 1], CPU)
    for before, after in zip(whole.tasks, thinned.tasks, strict=True):
        assert 0 < len(after[0].train) < len(before[0].train) and torch.equal(after[0].train, after[1].train)
        assert all(torch.equal(b.permutations, a.permutations) for b, a in zip(before, after, strict=True))
    assert not torch.equal(thinned.tasks[1][0].permutations, thinned.tasks[1][1].permutations)


def test_tuning_sees_no_test_image(mnist):
    held, _ = data.stream("permuted", 3, mnist, [1000], CPU, held_out=30)
    codes = [images.pixels[:, 0].unique().tolist() for images in (held.train, held.test)]
    numbers = [set(images.pixels[:, 1].tolist()) for images in (held.train, held.test)]
    assert codes == [[0], [0]] and len(numbers[1]) == 30 and not numbers[0] & numbers[1]
