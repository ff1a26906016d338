"""Task samplers stay inside their ranges and windows; meta-batches are drawn from what they may be drawn from."""

from __future__ import annotations

import numpy
import pytest
import torch

from papers.dan import sequences
from tests.papers.dan.small import IMAGES, PAPER, SMOKE

SETTINGS = PAPER.regression
MANY = [torch.Generator().manual_seed(seed) for seed in range(400)]


def test_functions_are_drawn_from_the_papers_ranges():
    functions = sequences.draw_functions(SETTINGS, MANY)
    for values, low, high in (
        (functions.amplitudes, 0, 2),
        (functions.frequencies, 0, torch.pi / 3),
        (functions.offsets, -5, 5),
    ):
        assert values.shape == (400, 2) and values.min() >= low and values.max() <= high
        span = high - low  # uniform: mean and spread of 800 draws
        assert abs(values.mean() - (low + high) / 2) < 0.04 * span
        assert abs(values.std() - span / 12**0.5) < 0.02 * span


def test_a_function_is_the_sum_of_two_sines():
    functions = sequences.Functions(torch.tensor([[1.5, 0.5]]), torch.tensor([[1.0, 0.3]]), torch.tensor([[-2.0, 4.0]]))
    x = torch.tensor([[-5.0, 0.0, 2.5]])
    expected = 1.5 * numpy.sin(x.numpy() - 2) + 0.5 * numpy.sin(0.3 * x.numpy() + 4)
    numpy.testing.assert_allclose(functions(x).numpy(), expected, rtol=1e-6)


def test_each_sample_is_fresh_and_in_its_window():
    functions = sequences.draw_functions(SETTINGS, MANY[:3])
    batch = sequences.regression(SETTINGS, functions, MANY[:3])
    assert batch.inputs.shape == batch.targets.shape == (3, 500, 1) and len(batch.shown) == 500
    by_task = batch.inputs[..., 0].unflatten(1, (5, 100))
    for task, begin in enumerate((-5, -3, -1, 1, 3)):
        assert by_task[:, task].min() >= begin and by_task[:, task].max() <= begin + 2
        assert by_task[:, task].max() - by_task[:, task].min() > 1.8
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
    ],
)
def test_a_meta_batch_is_drawn_from_what_its_terms_say(terms, step, allowed):
    batch = sequences.regression(SETTINGS, sequences.draw_functions(SETTINGS, MANY[:2]), MANY[:2])
    numbered = sequences.Batch(torch.arange(500.0).expand(2, 500).unsqueeze(-1), batch.targets, batch.shown, batch.seen)
    uniform = sequences.uniform_numbers(1, 20_000, MANY[:2])[0]
    inputs, targets = numbered.meta(step, uniform, terms)
    drawn = [set(row.flatten().long().tolist()) for row in inputs]
    assert drawn == [allowed, allowed]
    assert torch.equal(targets[1, :, 0], batch.targets[1, inputs[1, :, 0].long(), 0])
    extremes = torch.tensor([[0.0, 1 - 2**-24]]).expand(2, -1)
    assert numbered.meta(step, extremes, terms)[0][0].flatten().tolist() == [min(allowed), max(allowed)]


def test_after_the_last_sample_nothing_is_left_to_transfer_to():
    batch = sequences.regression(SETTINGS, sequences.draw_functions(SETTINGS, MANY[:1]), MANY[:1])
    assert batch.meta(499, torch.rand(1, 20), "transfer") is None
    assert batch.meta(499, torch.rand(1, 20), "both") is not None


def test_image_sequences_show_one_class_after_the_other():
    pixels = torch.rand(2, 3, 2, 36)
    batch = sequences.image_sequence(IMAGES, pixels)
    assert len(batch.shown) == 9 and batch.seen == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    for step in range(9):
        inputs, targets = batch.at(step)
        assert torch.equal(inputs, pixels[:, step // 3]) and torch.equal(targets, inputs)


def test_random_classes_differ_and_images_belong_to_them():
    images = torch.arange(40.0).unsqueeze(-1)  # image n is of class n // 8
    by_class = torch.arange(40).view(5, 8)
    drawn = sequences.draw_images(images, by_class, IMAGES, MANY[:20]).squeeze(-1)
    assert drawn.shape == (20, 3, 2)
    classes = drawn // 8
    assert (classes[..., 0] == classes[..., 1]).all() and (drawn[..., 0] != drawn[..., 1]).all()
    assert all(len(set(row)) == 3 for row in classes[..., 0].tolist())
    assert len({tuple(row) for row in classes[..., 0].tolist()}) > 10


def test_smoke_scale_reads_the_papers_ranges_too():
    same = ("domain", "amplitude", "frequency", "offset", "tasks")
    assert all(getattr(SMOKE.regression, name) == getattr(SETTINGS, name) for name in same)
