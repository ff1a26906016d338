"""What is consolidated, how strongly, and its importances against one example at a time."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from common.learning.randomness import generator
from papers.dhp.method import consolidation
from papers.dhp.protocol import CONSOLIDATED, condition
from papers.dhp.train import learner
from tests.papers.dhp.small import CPU, SEEDS, SLOPE, SMOKE, B, M, R, batch, network


@pytest.mark.parametrize("name", [*CONSOLIDATED, *(f"dhp-{name}" for name in CONSOLIDATED)])
@pytest.mark.parametrize("tuned", [None, 3.0], ids=["published", "own"])
def test_the_penalty_has_no_factor_one_half_whichever_the_method(name, tuned):
    """lambda Omega (theta - theta~)^2 = 3 * 2 * (1/4)^2 = 0.375, and its gradient 2 * 3 * 2 / 4 = 3; lambda of either kind."""
    settings = SMOKE.split if tuned else dataclasses.replace(SMOKE.split, ewc=3.0, si=3.0, mas=3.0)
    nothing = torch.zeros(1, 1, dtype=torch.float64)
    own = consolidation(condition(name), [nothing], settings, tuned)
    own.tasks = 1
    own.importance[0].fill_(2.0)
    there = [nothing + 0.25]
    assert own.penalty(there).item() == 0.375 and own.penalized(there, [nothing])[0].item() == 3


class Shown:
    """A finished task's examples for importances: those given, and all outputs."""

    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def examples(self, count, earlier=False):
        yield self.inputs[:, :count], self.labels[:, :count], None


def consolidated(name):
    """A learner of a benchmark's network, made as the training stage makes it, after a task of ten steps.

    Returns it with the pull on its parameters once all have moved by 0.1.
    """
    settings = dataclasses.replace(SMOKE.split, hidden=(M,), learning_rate=0.1, importance_images=B, ewc=3.0, mas=3.0)
    own = learner(settings, condition(name), SEEDS, CPU)
    inputs = torch.rand(R, B, 784, generator=generator("shown"))
    labels = torch.randint(10, (R, B), generator=generator("shown labels"))
    for _ in range(10):
        _, gradients = own.network.gradients(own.parameters, inputs, labels)
        own.consolidation.step(own.parameters, gradients, own.optimizer)
    own.consolidation.end_task(own.parameters, own.network.logits, Shown(inputs, labels))
    moved = [parameter.detach() + 0.1 for parameter in own.parameters]
    nothing = [torch.zeros_like(parameter) for parameter in own.network.learned(moved)]
    return own, own.consolidation.penalized(moved, nothing)


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_slow_weights_are_consolidated_and_alpha_eta_and_the_trace_never(name):
    """A baseline's second set of output weights as the first."""
    own, pull = consolidated(f"dhp-{name}")
    assert len(own.parameters) == 6 and len(own.consolidation.importance) == len(own.consolidation.anchor) == 3
    assert [bool(gradient.any()) for gradient in pull] == [True] * 3 + [False] * 2
    baseline, pull = consolidated(name)
    assert len(baseline.parameters) == len(baseline.consolidation.importance) == len(pull) == 4 and pull[3].any()
    first, second = baseline.consolidation.importance[2:]  # both sets always have the same gradient
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["ewc", "mas", "dhp-ewc", "dhp-mas", "ewc-single", "mas-single"])
def test_importances_are_those_of_one_example_at_a_time(name):
    """Means over examples of the gradient of log p(label), squared, or of |z|^2, absolute; with the trace, which stays."""
    found = condition(name)
    classifier, parameters = network(found.plastic, found.single)
    inputs, labels = batch()
    own = consolidation(found, parameters[: classifier.slow], dataclasses.replace(SMOKE.split, importance_images=B))
    kept = [tensor.detach().clone() for tensor in parameters]
    own.end_task(parameters, classifier.logits, Shown(inputs, labels))
    assert all(map(torch.equal, parameters, kept)) and len(own.importance) == 4 - found.plastic - found.single
    for r in range(R):
        slow = [tensor[r].clone().requires_grad_() for tensor in kept[: classifier.slow]]
        total = [torch.zeros_like(tensor) for tensor in slow]
        fast = (kept[3] * kept[5])[r] if found.plastic else 0
        for x, label in zip(inputs[r], labels[r]):
            sums = x @ slow[0] + slow[1]
            logits = torch.where(sums > 0, sums, SLOPE * sums) @ (sum(slow[2:]) + fast)
            value = logits.log_softmax(0)[label] if "ewc" in name else logits.square().sum()
            for place, gradient in enumerate(torch.autograd.grad(value, slow)):
                total[place] = total[place] + (gradient**2 if "ewc" in name else gradient.abs())
        expected = [tensor / B for tensor in total]
        torch.testing.assert_close([tensor[r] for tensor in own.importance], expected, rtol=1e-9, atol=1e-12)
