"""Sequences stay inside their ranges and windows, meta-batches are drawn from what they may be; images are white on black."""

from __future__ import annotations

import numpy
import pytest
import torch

from papers.dan import data, sequences
from tests.papers.dan.small import IMAGES, PAPER, SMOKE, prepared

SETTINGS = PAPER.regression
MANY = [torch.Generator().manual_seed(seed) for seed in range(400)]


# Functions


def test_functions_are_drawn_from_the_papers_ranges():
    functions = sequences.draw_functions(SETTINGS, MANY)
    ranges = {"amplitudes": (0, 2), "frequencies": (0, torch.pi / 3), "offsets": (-5, 5)}
    for name, (low, high) in ranges.items():
        values, span = getattr(functions, name), high - low
        assert values.shape == (400, 2) and values.min() >= low and values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.04 * span  # uniform: mean and spread of 800 draws
        assert abs(values.std() - span / 12**0.5) < 0.02 * span
    same = ("domain", "amplitude", "frequency", "offset", "tasks")
    assert all(getattr(SMOKE.regression, name) == getattr(SETTINGS, name) for name in same)


def test_a_function_is_the_sum_of_two_sines():
    functions = sequences.Functions(torch.tensor([[1.5, 0.5]]), torch.tensor([[1.0, 0.3]]), torch.tensor([[-2.0, 4.0]]))
    x = torch.tensor([[-5.0, 0.0, 2.5]])
    torch.testing.assert_close(functions(x), 1.5 * torch.sin(x - 2) + 0.5 * torch.sin(0.3 * x + 4))


def test_each_sample_is_fresh_and_in_its_window():
    functions = sequences.draw_functions(SETTINGS, MANY[:3])
    batch = sequences.regression(SETTINGS, functions, MANY[:3])
    assert batch.inputs.shape == batch.targets.shape == (3, 500, 1) and len(batch.shown) == 500
    for samples, begin in zip(batch.inputs[..., 0].unflatten(1, (5, 100)).unbind(1), (-5, -3, -1, 1, 3), strict=True):
        assert samples.min() >= begin and samples.max() <= begin + 2 and samples.max() - samples.min() > 1.8
    assert len(batch.inputs[0].unique()) > 490
    torch.testing.assert_close(batch.targets[..., 0], functions(batch.inputs[..., 0]))
    inputs, targets = batch.at(7)
    assert torch.equal(inputs, batch.inputs[:, 7:8]) and torch.equal(targets, batch.targets[:, 7:8])


@pytest.mark.parametrize(
    ("terms", "step", "allowed"),
    [
        ("memory", 0, {0}),
        ("memory", 9, set(range(10))),
        ("transfer", 9, set(range(10, 500))),
        ("transfer", 498, {499}),
        ("both", 9, set(range(500))),
        ("both", 499, set(range(500))),
    ],
)
def test_a_meta_batch_is_drawn_from_what_its_terms_say(terms, step, allowed):
    batch = sequences.regression(SETTINGS, sequences.draw_functions(SETTINGS, MANY[:2]), MANY[:2])
    numbered = sequences.Batch(torch.arange(500.0).expand(2, 500).unsqueeze(-1), batch.targets, batch.shown, batch.seen)
    uniform = sequences.uniform_numbers(1, 20_000, MANY[:2])[0]
    inputs, targets = numbered.meta(step, uniform, terms)
    assert [set(row.flatten().long().tolist()) for row in inputs] == [allowed, allowed]
    assert torch.equal(targets[1, :, 0], batch.targets[1, inputs[1, :, 0].long(), 0])
    extremes = torch.tensor([[0.0, 1 - 2**-24]]).expand(2, -1)
    assert numbered.meta(step, extremes, terms)[0][0].flatten().tolist() == [min(allowed), max(allowed)]
    assert numbered.meta(499, uniform, "transfer") is None  # after the last sample


# Images


def test_image_sequences_show_one_class_after_the_other():
    pixels = torch.rand(2, 3, 2, 36)
    batch = sequences.image_sequence(IMAGES, pixels)
    assert len(batch.shown) == 9 and batch.seen == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    for step in range(9):
        inputs, targets = batch.at(step)
        assert torch.equal(inputs, pixels[:, step // 3]) and torch.equal(targets, inputs)


def test_random_classes_differ_and_images_belong_to_them():
    images = torch.arange(40.0).unsqueeze(-1)  # image n is of class n // 8
    drawn = sequences.draw_images(images, torch.arange(40).view(5, 8), IMAGES, MANY[:20]).squeeze(-1)
    assert drawn.shape == (20, 3, 2)
    classes = drawn // 8
    assert (classes[..., 0] == classes[..., 1]).all() and (drawn[..., 0] != drawn[..., 1]).all()
    assert all(len(set(row)) == 3 for row in classes[..., 0].tolist())
    assert len({tuple(row) for row in classes[..., 0].tolist()}) > 10


def test_omniglot_becomes_white_on_black(tmp_path):
    images = numpy.full((10, 105, 105), 255, dtype=numpy.uint8)
    images[:, 35:70] = 0
    path = prepared(tmp_path, "omniglot", images, numpy.arange(10) // 2)
    draw, abouts = data.omniglot(path, IMAGES)
    batch = draw(MANY[:2])
    assert abouts[0]["name"] == "omniglot" and batch.inputs.shape == (2, 6, 36)
    strokes = batch.inputs[0, 0].view(6, 6)
    assert strokes[0].max() < 0.1 and strokes[2:4].min() > 0.9


def test_mnist_gives_the_digits_in_order_with_images_of_its_seed(tmp_path, monkeypatch):
    labels = numpy.arange(60) % 10
    images = numpy.zeros((60, 28, 28), dtype=numpy.uint8)
    images[:, 0, 0], images[:, 0, 1] = labels, numpy.arange(60)
    path = prepared(tmp_path, "mnist", images, labels)
    monkeypatch.setattr(data, "side", lambda settings: 28)  # as they are
    batch, _ = data.mnist(path, IMAGES, [0, 1])
    digits, numbers = (batch.inputs[:, :, :2] * 255).round().long().unbind(2)
    assert digits.tolist() == [[0, 0, 1, 1, 2, 2]] * 2
    assert len(set(numbers[0].tolist())) == 6 and not torch.equal(*numbers)
    alone, _ = data.mnist(path, IMAGES, [1])
    assert torch.equal(alone.inputs[0], batch.inputs[1])
