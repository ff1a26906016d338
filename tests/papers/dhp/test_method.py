"""The plastic layer against Algorithm 1 as plain loops, gradients against finite differences, and memory."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning.optimizers import Sgd
from papers.dhp import method
from papers.dhp.method import hebbian_update
from papers.dhp.protocol import condition
from tests.papers.dhp.small import N_IN, SLOPE, SMOKE, D, M, R, batch, network

NAMES = ("weight", "bias", "theta", "alpha", "eta")


def looped(weight, bias, theta, alpha, eta, trace, inputs, labels, active=range(D)):
    """Algorithm 1 for one replica and one batch, number by number: mean loss, logits [B][D] and the trace after it [M][D]."""
    hidden = []
    for x in inputs:
        sums = [bias[j] + sum(x[i] * weight[i][j] for i in range(N_IN)) for j in range(M)]
        hidden.append([value if value > 0 else SLOPE * value for value in sums])
    trace = [list(row) for row in trace]
    for c in range(D):
        shown = [h for h, label in zip(hidden, labels) if label == c]
        if shown:
            for i in range(M):
                mean = sum(h[i] for h in shown) / len(shown)
                trace[i][c] = (1 - eta[0]) * trace[i][c] + eta[0] * mean
    logits = [
        [sum((theta[i][j] + alpha[i][j] * trace[i][j]) * h[i] for i in range(M)) for j in range(D)] for h in hidden
    ]
    losses = [math.log(sum(math.exp(row[j]) for j in active)) - row[c] for row, c in zip(logits, labels)]
    return sum(losses) / len(losses), logits, trace


def reference(parameters, replica, inputs, labels, active=range(D)):
    own = [tensor[replica].tolist() for tensor in parameters]
    return looped(*own, inputs[replica].tolist(), labels[replica].tolist(), active)


def of_replicas(*expected):
    """Loss, logits and trace of all replicas, each in one tensor."""
    return (torch.tensor(values, dtype=torch.float64) for values in zip(*expected))


# Algorithm 1


@pytest.mark.parametrize("outputs", [None, (0, 1, 2, 3, 4, 5), (1, 2, 3, 4)])
def test_loss_and_trace_of_batches_are_those_of_plain_loops(outputs):
    """Three batches, one after the other, so that each enters with the trace that the one before it left."""
    classifier, parameters = network()
    active = None if outputs is None else torch.isin(torch.arange(D), torch.tensor(outputs))
    competing = outputs or range(D)
    for number, classes in enumerate(((1, 2), (1,), (1, 2))):
        inputs, labels = batch(number, classes)  # classes 1 to 4 over the replicas
        losses, _, traces = of_replicas(*(reference(parameters, r, inputs, labels, competing) for r in range(R)))
        found, _ = classifier.gradients(parameters, inputs, labels, active)
        torch.testing.assert_close(found, losses, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(parameters[5].detach(), traces, rtol=1e-12, atol=0)


def test_logits_of_a_training_batch_are_those_of_the_trace_it_leaves_behind():
    """Labels enter the trace before the logits: in evaluation right after the batch, the same images give the same logits."""
    classifier, parameters = network()
    inputs, labels = batch()
    _, expected, _ = of_replicas(*(reference(parameters, r, inputs, labels) for r in range(R)))
    before = classifier.logits(parameters, inputs).detach()
    classifier.gradients(parameters, inputs, labels)
    trace = parameters[5].detach().clone()
    after = classifier.logits(parameters, inputs).detach()
    torch.testing.assert_close(after, expected, rtol=1e-11, atol=1e-12)
    assert not torch.allclose(before, after)
    assert torch.equal(parameters[5], trace)  # evaluation does not move it


def test_update_worked_by_hand():
    """Two examples of class 1 with mean (2, 4), none of class 0, one of class 2; eta = 1/4."""
    hebb = torch.tensor([[[8.0, 8.0, 8.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    hidden = torch.tensor([[[1.0, 0.0], [16.0, -8.0], [3.0, 8.0]]], dtype=torch.float64)
    found = hebbian_update(hebb, torch.tensor([[0.25]], dtype=torch.float64), hidden, torch.tensor([[1, 2, 1]]))
    assert found.tolist() == [[[8.0, 6.5, 10.0], [0.0, 1.0, -2.0]]]
    assert hebb.tolist() == [[[8.0, 8.0, 8.0], [0.0, 0.0, 0.0]]]  # given, not overwritten


# Gradients


@pytest.mark.parametrize("place", range(5), ids=NAMES)
def test_gradients_are_the_finite_differences_of_the_loops_loss(place):
    """The trace that enters the second batch is a constant; hbar and eta of that batch are not."""
    classifier, parameters = network()
    classifier.gradients(parameters, *batch(0))
    inputs, labels = batch(1)
    values = [tensor.detach().clone() for tensor in parameters]
    _, gradients = classifier.gradients(parameters, inputs, labels)
    assert len(gradients) == 5
    for r in range(R):
        slopes = torch.zeros_like(values[place][r])
        for index in range(slopes.numel()):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [tensor.clone() for tensor in values]
                moved[place][r].view(-1)[index] += step
                sides.append(reference(moved, r, inputs, labels)[0])
            slopes.view(-1)[index] = (sides[0] - sides[1]) / 2e-5
        torch.testing.assert_close(gradients[place][r], slopes, rtol=1e-6, atol=1e-8)
    assert gradients[place].abs().max() > 1e-3


def test_the_trace_stays_outside_of_every_graph():
    """So that many steps hold no more than one."""
    classifier, parameters = network()
    trace = parameters[5]
    for _ in range(3):
        losses, gradients = classifier.gradients(parameters, *batch())
    assert parameters[5] is trace and trace.is_leaf and trace.grad is None
    assert not any(tensor.requires_grad for tensor in (losses, *gradients))


# Without plasticity, and with a bound


def test_with_alpha_zero_the_network_is_the_plain_one_bit_for_bit():
    """Whatever eta and the trace: the same losses, the same gradients of the slow weights and the same training."""
    plastic, parameters = network()
    plain, others = network(plastic=False, single=True)
    with torch.no_grad():
        parameters[3].zero_()
    descent = Sgd(parameters[:3], 0.5), Sgd(others, 0.5)
    for step in range(20):
        inputs, labels = batch(step)
        found, expected = plastic.gradients(parameters, inputs, labels), plain.gradients(others, inputs, labels)
        assert torch.equal(found[0], expected[0]) and all(map(torch.equal, found[1][:3], expected[1]))
        assert not found[1][4].any() and found[1][3].any()  # eta matters through alpha alone
        assert torch.equal(plastic.logits(parameters, inputs), plain.logits(others, inputs))
        for optimizer, gradients in zip(descent, (found[1][:3], expected[1]), strict=True):
            optimizer.step(gradients)
    assert parameters[5].abs().max() > 0.1


def test_the_second_set_of_output_weights_is_added_to_the_first():
    double_set, parameters = network(plastic=False)
    single, _ = network(plastic=False, single=True)
    inputs, labels = batch()
    summed = [*parameters[:2], parameters[2] + parameters[3]]
    torch.testing.assert_close(double_set.logits(parameters, inputs), single.logits(summed, inputs))
    _, gradients = double_set.gradients(parameters, inputs, labels)
    _, expected = single.gradients(summed, inputs, labels)
    assert len(gradients) == 4 and torch.equal(gradients[2], gradients[3])
    torch.testing.assert_close(gradients[:3], expected)


def test_a_bound_sets_eta_back_into_its_range_before_the_trace_is_moved():
    inputs, labels = batch()
    bounded, parameters = network(eta=0.0, bounded=True)  # 0, 0.1 and -0.2 by replica
    free, others = network(eta=0.0)
    unbounded = [tensor.detach().clone().requires_grad_() for tensor in others]
    with torch.no_grad():
        others[4].clamp_(0, 1)
    found, expected = bounded.gradients(parameters, inputs, labels), free.gradients(others, inputs, labels)
    assert torch.equal(found[0], expected[0]) and all(map(torch.equal, found[1], expected[1]))
    assert all(map(torch.equal, parameters, others))
    assert parameters[4].flatten().tolist() == [0, pytest.approx(0.1), 0]
    free.gradients(unbounded, inputs, labels)
    assert [torch.equal(a, b) for a, b in zip(unbounded[5], parameters[5])] == [True, True, False]


@pytest.mark.parametrize("other", ["momentum", "adam"])
def test_a_condition_with_another_optimizer_needs_its_numbers(other):
    with pytest.raises(ValueError, match=f"-{other} needs the protocol's section optimizers"):
        method.optimizer(condition(f"si-{other}"), [], SMOKE.split)
