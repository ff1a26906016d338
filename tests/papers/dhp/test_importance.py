"""Importances from the gradients of batches: answers worked out by hand, and against one batch and replica at a time."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from common.learning.consolidation import Mas
from papers.dhp.importance import BatchEwc, BatchMas
from papers.dhp.method import consolidation
from papers.dhp.protocol import condition
from papers.dhp.train import learner
from tests.papers.dhp.small import CPU, SEEDS, SMOKE, B, R, batch, network


class Shown:
    """A finished task's training images, in chunks that are not the batches; outputs: those that compete."""

    def __init__(self, inputs, outputs=None, chunk=2):
        self.inputs, self.outputs, self.chunk = inputs, outputs, chunk

    def examples(self, count, earlier=False):
        for part in self.inputs[:, :count].split(self.chunk, dim=1):
            yield part, torch.full(part.shape[:2], -1), self.outputs  # labels that no importance may look at


def weight(value):
    return torch.tensor([[value]], dtype=torch.float64)


def inputs(*rows):
    return torch.tensor([rows], dtype=torch.float64)


def test_mas_is_the_absolute_gradient_of_a_batchs_mean_square():
    """z = (w x + 1, w y) with w = 1; d of the mean of z^2 over two outputs: ((w x + 1) x + w y^2) for each image.

    Images (1, 0), (-0.5, 0), (0, 2): 2, -0.25, 4. Batches of two: (2 - 0.25) / 2 = 0.875 and 4, their mean 2.4375. Images
    whose gradients are opposite cancel: (-0.5, 0) and (0, 0.5) have -0.25 and 0.25. Per image and summed over outputs, as
    in MAS's own paper, it is twice the mean of the absolute values.
    """

    def logits(parameters, given):
        return given * parameters[0][:, :, None] + torch.tensor([1.0, 0.0], dtype=torch.float64)

    for rows, expected in (([(1, 0), (-0.5, 0), (0, 2)], 2.4375), ([(-0.5, 0), (0, 0.5)], 0.0)):
        own = BatchMas([weight(1.0)], 3.0, examples=3, batch=2)
        own.end_task([weight(1.0)], logits, Shown(inputs(*rows)))
        assert own.importance[0].item() == pytest.approx(expected, abs=1e-12)
        usual = Mas([weight(1.0)], 3.0, examples=3)
        usual.end_task([weight(1.0)], logits, Shown(inputs(*rows)))
        assert usual.importance[0].item() == pytest.approx({2.4375: 2 * 6.25 / 3, 0.0: 2 * 0.25}[expected])


def test_ewc_is_the_squared_gradient_towards_the_most_probable_class_times_the_batch():
    """z = (w x, 0) with w = ln 3, so p = 3^x / (3^x + 1): 3/4, 9/10, 1/4 at x = 1, 2, -1, and the answers are 0, 0, 1.

    d log p(answer) / d w = 1/4, 2/10, 1/4. Batches of two: means 0.225 and 0.25, squares 0.050625 and 0.0625; times 2 and
    1 images their mean is 0.081875, without that factor 0.0565625.
    """

    def logits(parameters, given):
        return given * parameters[0][:, :, None]

    for scaled, expected in ((True, 0.081875), (False, 0.0565625)):
        own = BatchEwc([weight(math.log(3))], 3.0, examples=3, batch=2, scaled=scaled)
        for tasks in (1, 2):  # they add up, and what is pulled to is the end of the last
            own.end_task([weight(math.log(3))], logits, Shown(inputs((1, 0), (2, 0), (-1, 0))))
            assert own.importance[0].item() == pytest.approx(tasks * expected)
        assert own.penalty([weight(math.log(3) + 0.5)]).item() == pytest.approx(3 * 2 * expected * 0.25)  # no 1/2


def objective(name, logits):
    """The function of a batch whose gradient matters, out of its logits [n, d]."""
    if "mas" in name:
        return sum(value**2 for value in logits.flatten()) / logits.numel()
    return sum(row.softmax(0).max().log() for row in logits) / len(logits)


@pytest.mark.parametrize("outputs", [None, [0, 2, 3]], ids=["all", "some"])
@pytest.mark.parametrize("name", ["mas-batch", "dhp-mas-batch", "ewc-batch", "dhp-ewc-batch", "dhp-ewc-unscaled"])
def test_importances_of_all_replicas_are_those_of_one_batch_and_replica_at_a_time(name, outputs):
    """Of the benchmark's own batches, with the trace, which stays, and of the outputs that compete."""
    found = condition(name)
    classifier, parameters = network(found.plastic)
    images, _ = batch()
    settings = dataclasses.replace(SMOKE.split, importance_images=B - 1, batch=4)
    own = consolidation(found, parameters[: classifier.slow], settings)
    kept = [tensor.detach().clone() for tensor in parameters]
    active = None if outputs is None else torch.tensor([place in outputs for place in range(6)])
    own.end_task(parameters, classifier.logits, Shown(images, active, chunk=3))
    assert all(map(torch.equal, parameters, kept)) and all(parameter.requires_grad for parameter in parameters)
    for r in range(R):
        alone = [tensor[r : r + 1].clone().requires_grad_() for tensor in kept]
        total = [torch.zeros_like(tensor) for tensor in alone[: classifier.slow]]
        for part in (images[r, :4], images[r, 4:6]):
            logits = classifier.logits(alone, part[None])[0][:, outputs or range(6)]
            gradients = torch.autograd.grad(objective(name, logits), alone[: classifier.slow])
            factor = len(part) if found.importance == "batch" else 1
            total = [
                sums + (g.abs() if "mas" in name else factor * g**2) / 2
                for sums, g in zip(total, gradients, strict=True)
            ]
        torch.testing.assert_close([tensor[r : r + 1] for tensor in own.importance], total, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["dhp-mas-standardised-batch", "dhp-ewc-batch", "dhp-ewc-standardised-unscaled"])
def test_alpha_eta_and_the_trace_are_never_consolidated(name):
    own = learner(dataclasses.replace(SMOKE.split, hidden=(5,), importance_images=B), condition(name), SEEDS, CPU)
    own.consolidation.end_task(own.parameters, own.network.logits, Shown(torch.rand(R, B, 784)))
    assert len(own.parameters) == 6 and len(own.consolidation.importance) == 3
    assert all(omega.any() for omega in own.consolidation.importance)
    assert type(own.consolidation) is (BatchMas if "mas" in name else BatchEwc)
