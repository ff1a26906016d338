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
from papers.dhp import data
from tests.papers.dhp.small import CPU, SETS, SMOKE, marks, prepared

PERMUTED, IMBALANCED = (dataclasses.replace(settings, tasks=3) for settings in (SMOKE.permuted, SMOKE.imbalanced))
VISION = dataclasses.replace(SMOKE.vision, sets=SETS)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """3,000 training and 40 test images, digits in turn."""
    digits = list(range(10))
    return prepared(tmp_path_factory.mktemp("mnist"), "mnist", digits * 300, digits * 4)


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    """All five sets with 6 and 3 images per class, each set's classes in an order of its own."""
    folder = tmp_path_factory.mktemp("mixture")
    orders = [[(digit * factor) % 10 for digit in range(10)] for factor in (1, 3, 7, 9, 1)]
    return [prepared(folder, name, order * 6, order * 3) for name, order in zip(SETS, orders, strict=True)]


# Permuted MNIST


def test_permuted_mnist_shows_the_first_task_as_it_is_and_the_others_in_an_order_of_the_seeds_own(mnist):
    stream, abouts = data.stream("permuted", PERMUTED, [mnist], [0, 7], CPU)
    assert [about["name"] for about in abouts] == ["mnist"] and len(stream.tasks) == 3
    for replicas in stream.tasks:
        for task in replicas:
            assert torch.equal(task.train, torch.arange(3000)) and torch.equal(task.test, torch.arange(40))
            assert task.outputs is None and torch.equal(task.permutations[0].sort().values, torch.arange(784))
    orders = [tuple(task.permutations[0].tolist()) for replicas in stream.tasks for task in replicas]
    assert orders[0] == orders[1] == tuple(range(784)) and len(set(orders)) == 5
    alone, _ = data.stream("permuted", PERMUTED, [mnist], [7], CPU)
    assert torch.equal(alone.tasks[2][0].permutations, stream.tasks[2][1].permutations)


def test_images_come_from_their_own_split_in_the_files_order(mnist):
    stream, _ = data.stream("permuted", PERMUTED, [mnist], [0], CPU)
    assert marks(stream.train.pixels) == [("train", number) for number in range(3000)]
    assert marks(stream.test.pixels) == [("test", number) for number in range(40)]
    assert stream.train.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


# Imbalanced


def test_removal_probabilities_are_drawn_once_for_every_task_and_class():
    """U(0, 1), the same at every call; fewer tasks are the first ones."""
    found = data.removal_probabilities(10)
    assert found.shape == (10, 10) and torch.equal(found, data.removal_probabilities(10))
    assert torch.equal(found[:4], data.removal_probabilities(4))
    assert len(found.unique()) == 100
    assert 0 <= found.min() < 0.1 and 0.9 < found.max() < 1 and abs(found.mean() - 0.5) < 0.15
    many = data.removal_probabilities(1000)
    assert abs(many.mean() - 0.5) < 0.02 and abs(many.std() - 12**-0.5) < 0.02


def test_imbalanced_tasks_keep_what_the_probabilities_leave_and_all_test_images(mnist):
    stream, _ = data.stream("imbalanced", IMBALANCED, [mnist], [0, 7], CPU)
    removal = data.removal_probabilities(3)
    fractions = []
    for replicas, row in zip(stream.tasks, removal, strict=True):
        for task in replicas:
            kept = torch.bincount(stream.train.labels[task.train], minlength=10) / 300
            assert (kept - (1 - row)).abs().max() < 0.15  # five standard deviations of 300 images
            assert torch.equal(task.test, torch.arange(40)) and torch.equal(task.train, task.train.unique())
            fractions.append(len(task.train) / 3000)
    expected = (1 - removal.mean()).item()
    assert sum(fractions) / len(fractions) == pytest.approx(expected, abs=0.02)


def test_removed_images_are_the_same_for_all_seeds_and_permutations_are_not(mnist):
    both, _ = data.stream("imbalanced", IMBALANCED, [mnist], [0, 7], CPU)
    other, _ = data.stream("imbalanced", IMBALANCED, [mnist], [1000], CPU)
    balanced, _ = data.stream("permuted", PERMUTED, [mnist], [0, 7], CPU)
    for replicas, alone, whole in zip(both.tasks, other.tasks, balanced.tasks, strict=True):
        assert torch.equal(replicas[0].train, replicas[1].train) and torch.equal(replicas[0].train, alone[0].train)
        for own, same in zip(replicas, whole, strict=True):  # the permutations are those of the balanced benchmark
            assert torch.equal(own.permutations, same.permutations)
    assert not torch.equal(both.tasks[1][0].permutations, both.tasks[1][1].permutations)
    kept = [set(replicas[0].train.tolist()) for replicas in both.tasks]
    assert kept[0] != kept[1] != kept[2]


# Split MNIST


def test_split_mnist_is_five_pairs_of_digits_in_which_only_their_two_outputs_compete(mnist):
    stream, _ = data.stream("split", SMOKE.split, [mnist], [0, 1], CPU)
    assert len(stream.tasks) == 5
    for number, replicas in enumerate(stream.tasks):
        pair = {2 * number, 2 * number + 1}
        assert len(replicas) == 2 and replicas[0].permutations is None
        assert len(replicas[0].train) == 600 and len(replicas[0].test) == 8
        assert set(stream.train.labels[replicas[0].train].tolist()) == pair
        assert set(stream.test.labels[replicas[0].test].tolist()) == pair
        assert set(replicas[0].outputs.nonzero().flatten().tolist()) == pair and len(replicas[0].outputs) == 10


# The mixture


def test_the_mixture_is_one_task_per_set_with_labels_that_count_on(mixture):
    stream, abouts = data.stream("vision", VISION, mixture, [0, 1], CPU)
    assert [about["name"] for about in abouts] == list(SETS) and len(stream.tasks) == 5
    assert stream.train.pixels.shape == (300, 3, 32, 32) and stream.test.pixels.shape == (150, 3, 32, 32)
    for number, (replicas, path) in enumerate(zip(stream.tasks, mixture, strict=True)):
        classes = set(range(10 * number, 10 * number + 10))
        for images, which in ((stream.train, "train"), (stream.test, "test")):
            rows = getattr(replicas[1], which)
            own = load(path).splits[which]
            assert images.labels[rows].tolist() == (own.labels + 10 * number).tolist()
            shown = images.pixels[rows].permute(0, 2, 3, 1).numpy()
            assert numpy.array_equal(shown, data.padded(own.images))
        assert set(replicas[0].outputs.nonzero().flatten().tolist()) == classes and len(replicas[0].outputs) == 50


def test_small_grey_images_get_a_border_and_three_equal_channels():
    grey = numpy.random.default_rng(0).integers(1, 256, (4, 28, 28), dtype=numpy.uint8)
    found = data.padded(grey)
    assert found.shape == (4, 32, 32, 3) and found.dtype == numpy.uint8
    for channel in range(3):
        assert numpy.array_equal(found[:, 2:30, 2:30, channel], grey)
    assert found.astype(int).sum() == 3 * grey.astype(int).sum()  # nothing but zeros around
    colour = numpy.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=numpy.uint8)
    assert numpy.array_equal(data.padded(colour), colour)


def test_each_set_and_channel_is_standardised_by_statistics_of_its_own(monkeypatch):
    """By hand: (51 / 255 - 0.1) / 0.5 = 0.2, and so on; the second image is of the second set."""
    monkeypatch.setitem(data.STATISTICS, "mnist", ((0.1, 0.2, 0.3), (0.5, 0.25, 0.1)))
    monkeypatch.setitem(data.STATISTICS, "cifar10", ((0.0, 0.5, 1.0), (1.0, 0.5, 2.0)))
    images = numpy.full((2, 32, 32, 3), 51, dtype=numpy.uint8)
    images[1] = [0, 255, 102]
    mixture = data.Mixture(images, numpy.array([9, 10]), CPU, ("mnist", "cifar10"))
    inputs, labels = mixture.batch(torch.tensor([[1, 0], [0, 0]]), [None, None])
    assert inputs.shape == (2, 2, 3, 32, 32) and labels.tolist() == [[10, 9], [9, 9]]
    first, second = [0.2, 0.0, -1.0], [0.0, 1.0, -0.3]
    expected = torch.tensor([[second, first], [first, first]])[..., None, None].expand(2, 2, 3, 32, 32)
    torch.testing.assert_close(inputs, expected)
    assert mixture.pixels.dtype == torch.uint8  # bytes stay as they are
    torch.testing.assert_close(mixture.batch(torch.tensor([[1, 0]]), [None])[0][0], expected[0])


def test_training_and_test_batches_of_the_mixture_are_standardised_alike(mixture):
    stream, _ = data.stream("vision", VISION, mixture, [0], CPU)
    for number, name in enumerate(SETS):
        means, sds = (torch.tensor(values)[:, None, None] for values in data.STATISTICS[name])
        for images, which in ((stream.train, "train"), (stream.test, "test")):
            index = getattr(stream.tasks[number][0], which)[4:5]
            inputs, _ = images.batch(index[None], [None])
            torch.testing.assert_close(inputs[0, 0], (images.pixels[index[0]] / 255 - means) / sds)


def test_sets_in_another_order_are_refused(mixture):
    wrong = [mixture[1], mixture[0], *mixture[2:]]
    with pytest.raises(DataError, match="mixture's sets are mnist, notmnist, .*, in this order, not notmnist, mnist"):
        data.stream("vision", VISION, wrong, [0], CPU)
    with pytest.raises(DataError, match="the mixture's sets are"):
        data.stream("vision", VISION, mixture[:4], [0], CPU)


@pytest.mark.parametrize("benchmark", ["permuted", "imbalanced", "split"])
def test_benchmarks_of_mnist_take_no_second_set(mixture, benchmark):
    with pytest.raises(DataError, match=f"{benchmark} is of mnist alone"):
        data.stream(benchmark, getattr(SMOKE, benchmark), mixture[:2], [0], CPU)


def without_train(folder, images=200):
    return prepared(folder, "notmnist", None, [number % 10 for number in range(images)])


def test_where_notmnist_has_a_test_part_alone_nine_tenths_of_it_train(mixture, tmp_path):
    paths = [mixture[0], without_train(tmp_path), *mixture[2:]]
    stream, _ = data.stream("vision", VISION, paths, [0], CPU)
    sizes = [(len(replicas[0].train), len(replicas[0].test)) for replicas in stream.tasks]
    assert sizes == [(60, 30), (180, 20), (60, 30), (60, 30), (60, 30)]
    parts = []
    for images, which in ((stream.train, "train"), (stream.test, "test")):
        rows = getattr(stream.tasks[1][0], which)
        content = images.pixels[rows, 0, 2:30, 2:30].flatten(1)
        numbered = marks(content)
        assert all(split == "test" for split, _ in numbered)
        assert [number % 10 for _, number in numbered] == (images.labels[rows] - 10).tolist()
        parts.append({number for _, number in numbered})
    assert not parts[0] & parts[1] and parts[0] | parts[1] == set(range(200))
    again, _ = data.stream("vision", VISION, paths, [5], CPU)
    assert torch.equal(again.test.pixels, stream.test.pixels)


# Held-out images


@pytest.mark.parametrize("benchmark", ["permuted", "imbalanced", "split"])
def test_held_out_images_are_training_images_apart_and_test_images_are_left_alone(mnist, benchmark):
    settings = {"permuted": PERMUTED, "imbalanced": IMBALANCED, "split": SMOKE.split}[benchmark]
    stream, _ = data.stream(benchmark, settings, [mnist], [1000], CPU, held_out=1000)
    kept, apart = marks(stream.train.pixels), marks(stream.test.pixels)
    assert len(kept) == 2000 and len(apart) == 1000
    assert sorted(kept + apart) == [("train", number) for number in range(3000)]
    for images, marked in ((stream.train, kept), (stream.test, apart)):
        assert images.labels.tolist() == [number % 10 for _, number in marked]
    assert sum(len(replicas[0].test) for replicas in stream.tasks) == (1000 if benchmark == "split" else 3000)
    other, _ = data.stream(benchmark, settings, [mnist], [1001, 1002], CPU, held_out=1000)
    assert torch.equal(other.test.pixels, stream.test.pixels)


def test_holding_out_everything_is_refused(mnist):
    with pytest.raises(DataError, match="mnist.npz has 3000 training images: too few to hold 3000 out"):
        data.stream("permuted", PERMUTED, [mnist], [1000], CPU, held_out=3000)


# Errors


def test_a_digit_that_is_missing_is_named_with_its_file(tmp_path):
    labels = [digit for digit in range(10) if digit != 7] * 3
    path = prepared(tmp_path, "mnist", labels, labels)
    with pytest.raises(DataError, match="mnist.npz cannot be cut into tasks: .* no training images of class 7"):
        data.stream("split", SMOKE.split, [path], [0], CPU)


# Real data


@pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR")
@pytest.mark.parametrize("name", ["mnist", "notmnist", "fashion_mnist"])
def test_real_images_are_about_standard(name):
    """The first 5,000 test images have mean 0 and spread 1: MNIST with its border, the other two without, as in the source."""
    path = Path(os.environ["DATA_MIRROR"]) / f"{name}.npz"
    with numpy.load(path) as arrays:
        images = data.padded(arrays["test_images"][:5000])
    inputs, _ = data.Mixture(images, numpy.zeros(len(images), dtype=numpy.int64), CPU, (name,)).batch(
        torch.arange(len(images))[None], [None]
    )
    inner = inputs if name == "mnist" else inputs[..., 2:30, 2:30]
    assert abs(inner.mean()) < 0.05 and abs(inner.std() - 1) < 0.05
