"""The benchmarks: what is shown, what is asked, and what joint training sees."""

from __future__ import annotations

import json

import numpy
import pytest
import torch

from studies.cross_benchmark import data
from studies.cross_benchmark.protocol import BENCHMARKS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """Ten training and four test images of each digit; the first two pixels say split and number."""
    path, arrays = tmp_path_factory.mktemp("data") / "mnist.npz", {}
    for code, (split, count) in enumerate((("train", 100), ("test", 40))):
        images = numpy.zeros((count, 28, 28), numpy.uint8)
        images[:, 0, 0], images[:, 0, 1] = code, numpy.arange(count)
        arrays |= {f"{split}_images": images, f"{split}_labels": numpy.arange(count) % 10}
    about = {"name": "mnist", "source": "stand-in", "completeness": "stand-in", "description": "numbers"}
    numpy.savez(path, about=json.dumps(about | {"splits": {"train": None, "test": None}}), **arrays)
    return str(path)


def test_split_mnist_asks_three_questions_of_the_same_images(mnist):
    streams = {name: data.stream(name, 0, mnist, [0, 1], CPU)[0] for name in BENCHMARKS if name.startswith("split")}
    for task in range(5):
        shown = [own.tasks[task][0] for own in streams.values()]
        assert all(torch.equal(shown[0].train, other.train) for other in shown)
        digits = [stream.train.labels[shown[0].train].unique().tolist() for stream in streams.values()]
        assert digits == [[2 * task, 2 * task + 1], [0, 1], [2 * task, 2 * task + 1]]
        assert [own.outputs is None for own in shown] == [False, True, True]
        assert shown[0].outputs.nonzero()[:, 0].tolist() == [2 * task, 2 * task + 1]
    assert [data.classes(name) for name in streams] == [10, 2, 10]


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_joint_training_sees_every_image_of_every_task_once_and_is_tested_on_each(mnist, benchmark):
    apart, _ = data.stream(benchmark, 3, mnist, [0, 1], CPU)
    joint, _ = data.stream(benchmark, 3, mnist, [0, 1], CPU, at_once=True)
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
