"""The four benchmarks as streams: which images, labels, outputs and pixels each task holds, and what is held out."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy
import pytest
import torch

from common.data.catalog import DataError
from common.data.load import load
from common.learning.stream_data import permutations
from papers.dhp import data
from papers.dhp.protocol import SETS
from tests.papers.dhp.small import CPU, SMOKE, marks, prepared

DIGITS = list(range(10))
PERMUTED, IMBALANCED = (dataclasses.replace(settings, tasks=3) for settings in (SMOKE.permuted, SMOKE.imbalanced))
SETTINGS = {"permuted": PERMUTED, "imbalanced": IMBALANCED, "split": SMOKE.split}
VISION = dataclasses.replace(SMOKE.vision, sets=SETS)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """3,000 training and 40 test images, digits in turn."""
    return prepared(tmp_path_factory.mktemp("mnist"), "mnist", DIGITS * 300, DIGITS * 4)


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    """All five sets with 6 and 3 images per class, each set's classes in an order of its own."""
    folder = tmp_path_factory.mktemp("mixture")
    orders = [[(digit * factor) % 10 for digit in DIGITS] for factor in (1, 3, 7, 9, 1)]
    return [prepared(folder, name, order * 6, order * 3) for name, order in zip(SETS, orders, strict=True)]


# MNIST


def test_permuted_mnist_shows_the_first_task_as_it_is_and_the_others_in_an_order_of_the_seeds_own(mnist):
    stream, _ = data.stream("permuted", PERMUTED, [mnist], [0, 7], CPU)
    tasks = [task for replicas in stream.tasks for task in replicas]
    for task in tasks:
        assert torch.equal(task.train, torch.arange(3000)) and torch.equal(task.test, torch.arange(40))
        assert task.outputs is None and torch.equal(task.permutations[0].sort().values, torch.arange(784))
    orders = [tuple(task.permutations[0].tolist()) for task in tasks]
    assert orders[0] == orders[1] == tuple(range(784)) and len(set(orders)) == 5
    alone, _ = data.stream("permuted", PERMUTED, [mnist], [7], CPU)
    assert torch.equal(alone.tasks[2][0].permutations, stream.tasks[2][1].permutations)
    assert marks(stream.train.pixels) == [("train", number) for number in range(3000)]
    assert marks(stream.test.pixels) == [("test", number) for number in range(40)]
    assert stream.train.labels[:12].tolist() == [*DIGITS, 0, 1]


def test_removal_probabilities_are_drawn_once_for_every_task_and_class():
    """U(0, 1), the same at every call; fewer tasks are the first ones."""
    found = data.removal_probabilities(1000)
    assert found.shape == (1000, 10) and torch.equal(found[:10], data.removal_probabilities(10))
    assert 0 <= found.min() < 0.001 and 0.999 < found.max() < 1 and len(found.unique()) == 10_000
    assert abs(found.mean() - 0.5) < 0.02 and abs(found.std() - 12**-0.5) < 0.02


def test_imbalanced_tasks_keep_what_the_probabilities_leave_the_same_images_for_all_seeds(mnist):
    """In the permutations of the balanced benchmark, and with all test images."""
    stream, _ = data.stream("imbalanced", IMBALANCED, [mnist], [0, 7], CPU)
    other, _ = data.stream("imbalanced", IMBALANCED, [mnist], [1000], CPU)
    balanced, _ = data.stream("permuted", PERMUTED, [mnist], [0, 7], CPU)
    removal = data.removal_probabilities(3)
    for number, (first, second) in enumerate(stream.tasks):
        kept = torch.bincount(stream.train.labels[first.train], minlength=10) / 300
        assert (kept - (1 - removal[number])).abs().max() < 0.15  # five standard deviations of 300 images
        assert torch.equal(first.test, torch.arange(40)) and torch.equal(first.train, first.train.unique())
        assert torch.equal(first.train, second.train) and torch.equal(first.train, other.tasks[number][0].train)
        for own, same in zip((first, second), balanced.tasks[number], strict=True):
            assert torch.equal(own.permutations, same.permutations)
    share = sum(len(task.train) for task, _ in stream.tasks) / 9000
    assert share == pytest.approx((1 - removal.mean()).item(), abs=0.02)


def test_split_mnist_is_five_pairs_of_digits_in_which_only_their_two_outputs_compete(mnist):
    stream, _ = data.stream("split", SMOKE.split, [mnist], [0, 1], CPU)
    for digit, (task, same) in zip(range(0, 10, 2), stream.tasks, strict=True):
        assert same is task and task.permutations is None and len(task.train) == 600 and len(task.test) == 8
        for images, rows in ((stream.train, task.train), (stream.test, task.test)):
            assert set(images.labels[rows].tolist()) == {digit, digit + 1}
        assert task.outputs.tolist() == [output in (digit, digit + 1) for output in range(10)]


@pytest.mark.parametrize("benchmark", SETTINGS)
def test_held_out_images_are_training_images_apart_and_test_images_are_left_alone(mnist, benchmark):
    settings = SETTINGS[benchmark]
    stream, _ = data.stream(benchmark, settings, [mnist], [1000], CPU, held_out=1000)
    kept, apart = marks(stream.train.pixels), marks(stream.test.pixels)
    assert len(apart) == 1000 and sorted(kept + apart) == [("train", number) for number in range(3000)]
    for images, marked in ((stream.train, kept), (stream.test, apart)):
        assert images.labels.tolist() == [number % 10 for _, number in marked]
    assert sum(len(replicas[0].test) for replicas in stream.tasks) == (1000 if benchmark == "split" else 3000)
    other, _ = data.stream(benchmark, settings, [mnist], [1001, 1002], CPU, held_out=1000)
    assert torch.equal(other.test.pixels, stream.test.pixels)


# The mixture


def test_the_mixture_is_one_task_per_set_with_labels_that_count_on_and_statistics_of_its_own(mixture):
    stream, abouts = data.stream("vision", VISION, mixture, [0, 1], CPU)
    assert [about["name"] for about in abouts] == list(SETS) and len(stream.tasks) == 5
    assert stream.train.pixels.shape == (300, 3, 32, 32) and stream.test.pixels.shape == (150, 3, 32, 32)
    for number, (replicas, path) in enumerate(zip(stream.tasks, mixture, strict=True)):
        means, sds = (torch.tensor(values)[:, None, None] for values in data.STATISTICS[SETS[number]])
        for images, which in ((stream.train, "train"), (stream.test, "test")):
            rows, own = getattr(replicas[1], which), load(path).splits[which]
            assert images.labels[rows].tolist() == (own.labels + 10 * number).tolist()
            shown = images.pixels[rows].permute(0, 2, 3, 1).numpy()
            assert numpy.array_equal(shown, data.padded(own.images))
            inputs, _ = images.batch(rows[None, 4:5], [None])
            torch.testing.assert_close(inputs[0, 0], (images.pixels[rows[4]] / 255 - means) / sds)
        assert replicas[0].outputs.tolist() == [output // 10 == number for output in range(50)]


def test_small_grey_images_get_a_border_and_three_equal_channels():
    grey = numpy.random.default_rng(0).integers(1, 256, (4, 28, 28), dtype=numpy.uint8)
    found = data.padded(grey)
    assert found.shape == (4, 32, 32, 3) and found.dtype == numpy.uint8
    for channel in range(3):
        assert numpy.array_equal(found[:, 2:30, 2:30, channel], grey)
    assert found.astype(int).sum() == 3 * grey.astype(int).sum()  # nothing but zeros around
    colour = numpy.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=numpy.uint8)
    assert numpy.array_equal(data.padded(colour), colour)


def test_each_set_and_channel_is_standardised_in_every_replica(monkeypatch):
    """By hand: (51 / 255 - 0.1) / 0.5 = 0.2, and so on; the second image is of the second set."""
    monkeypatch.setitem(data.STATISTICS, "mnist", ((0.1, 0.2, 0.3), (0.5, 0.25, 0.1)))
    monkeypatch.setitem(data.STATISTICS, "cifar10", ((0.0, 0.5, 1.0), (1.0, 0.5, 2.0)))
    images = numpy.full((2, 32, 32, 3), 51, dtype=numpy.uint8)
    images[1] = [0, 255, 102]
    mixture = data.Mixture(images, numpy.array([9, 10]), CPU, ("mnist", "cifar10"))
    first, second = [0.2, 0.0, -1.0], [0.0, 1.0, -0.3]
    expected = torch.tensor([[second, first], [first, first]])[..., None, None].expand(2, 2, 3, 32, 32)
    for _ in range(2):  # the bytes stay as they are
        inputs, labels = mixture.batch(torch.tensor([[1, 0], [0, 0]]), [None, None])
        torch.testing.assert_close(inputs, expected)
        assert labels.tolist() == [[10, 9], [9, 9]]


def test_where_notmnist_has_a_test_part_alone_nine_tenths_of_it_train(mixture, tmp_path):
    paths = [mixture[0], prepared(tmp_path, "notmnist", None, DIGITS * 20), *mixture[2:]]
    stream, _ = data.stream("vision", VISION, paths, [0], CPU)
    sizes = [(len(replicas[0].train), len(replicas[0].test)) for replicas in stream.tasks]
    assert sizes == [(60, 30), (180, 20), (60, 30), (60, 30), (60, 30)]
    numbered = []
    for images, which in ((stream.train, "train"), (stream.test, "test")):
        rows = getattr(stream.tasks[1][0], which)
        own = marks(images.pixels[rows, 0, 2:30, 2:30].flatten(1))
        assert [number % 10 for _, number in own] == (images.labels[rows] - 10).tolist()
        numbered += own
    assert sorted(numbered) == [("test", number) for number in range(200)]
    again, _ = data.stream("vision", VISION, paths, [5], CPU)
    assert torch.equal(again.test.pixels, stream.test.pixels)


@pytest.mark.parametrize("benchmark", list(SETTINGS))
def test_standardised_pixels_are_those_in_0_to_1_minus_their_mean_over_their_spread(mnist, benchmark):
    """Of both splits and however permuted; nothing else changes."""
    plain, own = (
        data.stream(benchmark, SETTINGS[benchmark], [mnist], [3, 5], CPU, standardised=which)[0]
        for which in (False, True)
    )
    for split in ("train", "test"):
        indices = torch.stack([getattr(replica, split)[:4] for replica in plain.tasks[-1]])
        orders = permutations(plain.tasks[-1], CPU)
        (inputs, labels), (found, same) = (getattr(one, split).batch(indices, orders) for one in (plain, own))
        torch.testing.assert_close(found, (inputs - 0.1307) / 0.3081)
        assert torch.equal(labels, same) and 0 <= inputs.min() < inputs.max() <= 1


@pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR")
def test_standardised_digits_have_mean_0_and_spread_1():
    with numpy.load(Path(os.environ["DATA_MIRROR"]) / "mnist.npz") as arrays:
        pixels = arrays["train_images"] / 255.0
    mean, sd = data.MNIST
    assert abs((pixels.mean() - mean) / sd) < 1e-3 and abs(pixels.std() / sd - 1) < 1e-3


@pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR")
@pytest.mark.parametrize("name", ["mnist", "notmnist", "fashion_mnist"])
def test_real_images_are_about_standard(name):
    """The first 5,000 test images have mean 0 and spread 1: MNIST with its border, the other two without, as in the source."""
    path = Path(os.environ["DATA_MIRROR"]) / f"{name}.npz"
    with numpy.load(path) as arrays:
        images = data.padded(arrays["test_images"][:5000])
    own = data.Mixture(images, numpy.zeros(len(images), dtype=numpy.int64), CPU, (name,))
    inputs, _ = own.batch(torch.arange(len(images))[None], [None])
    inner = inputs if name == "mnist" else inputs[..., 2:30, 2:30]
    assert abs(inner.mean()) < 0.05 and abs(inner.std() - 1) < 0.05


# Errors


def test_sets_that_are_not_the_benchmarks_are_refused(mixture):
    order = "mixture's sets are mnist, notmnist, .*, in this order, not "
    for paths, given in ((mixture[1::-1] + mixture[2:], "notmnist, mnist"), (mixture[:4], "mnist, notmnist")):
        with pytest.raises(DataError, match=order + given):
            data.stream("vision", VISION, paths, [0], CPU)
    for benchmark, settings in SETTINGS.items():
        with pytest.raises(DataError, match=f"{benchmark} is of mnist alone"):
            data.stream(benchmark, settings, mixture[:2], [0], CPU)


def test_too_few_images_are_named_with_their_file(mnist, tmp_path):
    with pytest.raises(DataError, match="mnist.npz has 3000 training images: too few to hold 3000 out"):
        data.stream("permuted", PERMUTED, [mnist], [1000], CPU, held_out=3000)
    path = prepared(tmp_path, "mnist", [0, 1, 2, 3, 4, 5, 6, 8, 9], DIGITS)
    with pytest.raises(DataError, match="mnist.npz cannot be cut into tasks: .* no training images of class 7"):
        data.stream("split", SMOKE.split, [path], [0], CPU)
