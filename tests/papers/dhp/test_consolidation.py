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


def worked(name, importance, moved=0.25):
    """The penalized gradient of one slow weight with that importance, `moved` away from its anchor, at lambda = 3."""
    settings = dataclasses.replace(SMOKE.split, ewc=3.0, si=3.0, mas=3.0)
    slow = [torch.zeros(1, 1, dtype=torch.float64)]
    own = consolidation(condition(name), slow, settings)
    own.tasks = 1
    own.importance[0].fill_(importance)
    there = [torch.full((1, 1), moved, dtype=torch.float64)]
    return own.penalized(there, [torch.zeros(1, 1, dtype=torch.float64)])[0].item(), own.penalty(there).item()


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_the_penalty_has_no_factor_one_half_whichever_the_method(name):
    """lambda Omega (theta - theta~)^2 = 3 * 2 * (1/4)^2 = 0.375, and its gradient 2 * 3 * 2 / 4 = 3."""
    assert worked(name, 2.0) == worked(f"dhp-{name}", 2.0) == (3.0, 0.375)


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_a_found_strength_takes_the_place_of_the_published_one(name):
    settings = dataclasses.replace(SMOKE.split, **{name: 5.0})
    slow = [torch.zeros(1, 1)]
    published, found = (consolidation(condition(name), slow, settings, tuned) for tuned in (None, 0.25))
    assert published.strength == 20 * found.strength > 0


def test_settings_reach_the_consolidation():
    settings = dataclasses.replace(SMOKE.split, xi=0.7, importance_images=13)
    slow = [torch.zeros(1, 1)]
    assert consolidation(condition("dhp-si"), slow, settings).xi == 0.7
    assert {consolidation(condition(name), slow, settings).examples for name in ("ewc", "dhp-mas")} == {13}
    assert consolidation(condition("dhp"), slow, settings).strength == 0
    online = consolidation(condition("ewc"), slow, settings)
    assert online.gamma == 1


class Shown:
    """A finished task's examples for importances: those given, and all outputs."""

    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def examples(self, count, earlier=False):
        yield self.inputs[:, :count], self.labels[:, :count], None


def small_learner(name):
    """A learner of a benchmark's network, made as the training stage makes it, after a task of ten steps."""
    settings = dataclasses.replace(SMOKE.split, hidden=(M,), learning_rate=0.1, importance_images=B, ewc=3.0, mas=3.0)
    own = learner(settings, condition(name), SEEDS, CPU)
    inputs = torch.rand(R, B, 784, generator=generator("shown"))
    labels = torch.randint(10, (R, B), generator=generator("shown labels"))
    for _ in range(10):
        _, gradients = own.network.gradients(own.parameters, inputs, labels)
        own.consolidation.step(own.parameters, gradients, own.optimizer)
    own.consolidation.end_task(own.parameters, own.network.logits, Shown(inputs, labels))
    return own


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_alpha_eta_and_the_trace_are_never_consolidated(name):
    own = small_learner(f"dhp-{name}")
    assert len(own.parameters) == 6 and len(own.consolidation.importance) == len(own.consolidation.anchor) == 3
    assert all((omega > 0).any() for omega in own.consolidation.importance)
    moved = [parameter.detach() + 0.1 for parameter in own.parameters]
    nothing = [torch.zeros_like(parameter) for parameter in own.network.learned(moved)]
    pull = own.consolidation.penalized(moved, nothing)
    assert len(pull) == 5
    assert all(gradient.any() for gradient in pull[:3]) and not any(gradient.any() for gradient in pull[3:])


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_a_baselines_second_set_of_output_weights_is_consolidated_as_the_first(name):
    own = small_learner(name)
    assert len(own.parameters) == len(own.consolidation.importance) == 4
    moved = [parameter.detach() + 0.1 for parameter in own.parameters]
    pull = own.consolidation.penalized(moved, [torch.zeros_like(parameter) for parameter in moved])
    assert pull[3].any()
    first, second = own.consolidation.importance[2:]  # both sets always have the same gradient
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-7)
    assert len(small_learner(f"{name}-single").consolidation.importance) == 3


@pytest.mark.parametrize("name", ["ewc", "mas", "dhp-ewc", "dhp-mas", "ewc-single", "mas-single"])
def test_importances_are_those_of_one_example_at_a_time(name):
    """Means over examples of the gradient of log p(label), squared, or of |z|^2, absolute; with the trace, which stays."""
    found = condition(name)
    classifier, parameters = network(found.plastic, found.single)
    inputs, labels = batch()
    own = consolidation(found, parameters[: classifier.slow], dataclasses.replace(SMOKE.split, importance_images=B))
    kept = [tensor.detach().clone() for tensor in parameters]
    own.end_task(parameters, classifier.logits, Shown(inputs, labels))
    assert all(torch.equal(a, b) for a, b in zip(parameters, kept, strict=True))
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
        for place, (importance, expected) in enumerate(zip(own.importance, total, strict=True)):
            torch.testing.assert_close(importance[r], expected / B, rtol=1e-9, atol=1e-12, msg=f"of tensor {place}")
