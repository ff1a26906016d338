"""The plastic layer against Algorithm 1 as plain loops, gradients against finite differences, and memory."""

from __future__ import annotations

import gc
import math

import pytest
import torch

from common.learning.consolidation import Consolidation
from common.learning.continual import Learner
from common.learning.optimizers import Sgd
from papers.dhp import method, model
from papers.dhp.method import hebbian_update
from papers.dhp.protocol import condition
from tests.papers.dhp.small import ETA, N_IN, SLOPE, SMOKE, B, D, M, R, batch, network, numbers

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


def double(values):
    return torch.tensor(values, dtype=torch.float64)


# Algorithm 1


@pytest.mark.parametrize("outputs", [None, (0, 1, 2, 3, 4, 5), (1, 2, 3, 4)])
def test_loss_and_trace_of_batches_are_those_of_plain_loops(outputs):
    """Three batches, one after the other, so that each enters with the trace that the one before it left."""
    classifier, parameters = network()
    active = None if outputs is None else torch.isin(torch.arange(D), torch.tensor(outputs))
    competing = outputs or range(D)
    for number, classes in enumerate(((1, 2), (1,), (1, 2))):
        inputs, labels = batch(number, classes)  # classes 1 to 4 over the replicas
        expected = [reference(parameters, r, inputs, labels, competing) for r in range(R)]
        losses, _ = classifier.gradients(parameters, inputs, labels, active)
        torch.testing.assert_close(losses, double([loss for loss, _, _ in expected]), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(
            parameters[5].detach(), double([trace for *_, trace in expected]), rtol=1e-12, atol=0
        )


def test_logits_of_a_training_batch_are_those_of_the_trace_it_leaves_behind():
    """Labels enter the trace before the logits: in evaluation right after the batch, the same images give the same logits."""
    classifier, parameters = network()
    inputs, labels = batch()
    expected = double([reference(parameters, r, inputs, labels)[1] for r in range(R)])
    before = classifier.logits(parameters, inputs).detach()
    classifier.gradients(parameters, inputs, labels)
    after = classifier.logits(parameters, inputs).detach()
    torch.testing.assert_close(after, expected, rtol=1e-11, atol=1e-12)
    assert not torch.allclose(before, after)


def test_evaluation_uses_the_trace_and_does_not_move_it():
    classifier, parameters = network()
    inputs, _ = batch()
    kept = parameters[5].detach().clone()
    logits = classifier.logits(parameters, inputs)
    assert torch.equal(parameters[5], kept)
    for r in range(R):
        weight, bias, theta, alpha, _, trace = (tensor[r] for tensor in parameters)
        for b in range(B):
            sums = inputs[r, b] @ weight + bias
            hidden = torch.where(sums > 0, sums, SLOPE * sums)
            torch.testing.assert_close(logits[r, b], hidden @ (theta + alpha * trace))
    with torch.no_grad():
        parameters[5].zero_()
    assert not torch.allclose(classifier.logits(parameters, inputs), logits)


def test_absent_classes_keep_their_column_to_the_last_bit():
    hebb, hidden = numbers(R, M, D), numbers(R, B, M, seed=1)
    labels = batch()[1]
    updated = hebbian_update(hebb, torch.full((R, 1), ETA, dtype=torch.float64), hidden, labels)
    for r in range(R):
        for c in range(D):
            assert torch.equal(updated[r, :, c], hebb[r, :, c]) == (c not in labels[r])


def test_update_worked_by_hand():
    """Two examples of class 1 with mean (2, 4), none of class 0, one of class 2; eta = 1/4."""
    hebb = torch.tensor([[[8.0, 8.0, 8.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    hidden = torch.tensor([[[1.0, 0.0], [16.0, -8.0], [3.0, 8.0]]], dtype=torch.float64)
    found = hebbian_update(hebb, torch.tensor([[0.25]], dtype=torch.float64), hidden, torch.tensor([[1, 2, 1]]))
    assert found.tolist() == [[[8.0, 6.5, 10.0], [0.0, 1.0, -2.0]]]
    assert hebb.tolist() == [[[8.0, 8.0, 8.0], [0.0, 0.0, 0.0]]]  # given, not overwritten


def test_replicas_have_their_own_eta_and_their_own_labels():
    hebb, hidden, labels = numbers(R, M, D), numbers(R, B, M, seed=1), batch()[1]
    etas = torch.tensor([[0.1], [0.5], [0.9]], dtype=torch.float64)
    together = hebbian_update(hebb, etas, hidden, labels)
    for r in range(R):
        alone = hebbian_update(*(tensor[r : r + 1] for tensor in (hebb, etas, hidden, labels)))
        torch.testing.assert_close(together[r], alone[0], rtol=1e-13, atol=0)


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


def test_the_gradient_through_the_mean_activations_reaches_the_hidden_weights():
    """With a trace that is a constant in the batch, the hidden weights would have another gradient."""
    classifier, parameters = network()
    inputs, labels = batch()
    constant = [tensor.detach().clone().requires_grad_() for tensor in parameters]
    _, gradients = classifier.gradients(parameters, inputs, labels)
    with torch.no_grad():
        constant[5].copy_(parameters[5])  # the trace after the batch
    losses = model.cross_entropy(classifier.logits(constant, inputs), labels)
    others = torch.autograd.grad(losses.sum(), constant[:4])
    assert not torch.allclose(gradients[0], others[0], rtol=1e-3)
    torch.testing.assert_close(gradients[2], others[2])  # theta and alpha meet the same trace either way
    torch.testing.assert_close(gradients[3], others[3])


def test_gradient_of_eta_vanishes_where_the_trace_already_is_the_mean():
    classifier, parameters = network()
    inputs, labels = batch(replicas=R)
    hidden = classifier.body(parameters[:2], inputs).detach()
    full = torch.ones(R, 1, dtype=torch.float64)
    with torch.no_grad():
        parameters[5].copy_(hebbian_update(parameters[5], full, hidden, labels))  # eta = 1: the mean itself
    _, gradients = classifier.gradients(parameters, inputs, labels)
    assert gradients[4].abs().max() < 1e-12


# Memory


def graph_size(tensor):
    """How many nodes of the graph of automatic differentiation lie behind a tensor."""
    found, ahead = set(), [tensor.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is not None and node not in found:
            found.add(node)
            ahead += [following for following, _ in node.next_functions]
    return len(found)


def test_a_thousand_steps_hold_no_more_than_one(monkeypatch):
    """Neither live tensors nor the graph behind the loss grow, and the trace stays outside of every graph."""
    classifier, parameters = network()
    own = Learner(
        classifier, parameters, lambda t: Sgd(classifier.learned(t), 1e-3), Consolidation(parameters[:3], 0.0)
    )
    sizes, tensors, real = [], [], torch.autograd.grad

    def recorded(loss, *arguments, **options):
        sizes.append(graph_size(loss))
        return real(loss, *arguments, **options)

    monkeypatch.setattr(torch.autograd, "grad", recorded)
    trace, inputs, labels = parameters[5], *batch()
    for step in range(1000):
        losses, gradients = classifier.gradients(parameters, inputs, labels)
        own.consolidation.step(parameters, gradients, own.optimizer)
        if step in (10, 999):
            del losses, gradients
            gc.collect()
            tensors.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
    assert len(sizes) == 1000 and len(set(sizes)) == 1 and sizes[0] > 10
    assert tensors[0] == tensors[1]
    assert parameters[5] is trace and trace.is_leaf and trace.grad_fn is None and trace.grad is None
    assert trace.untyped_storage().nbytes() == 8 * R * M * D


def test_what_gradients_returns_carries_no_graph():
    classifier, parameters = network()
    losses, gradients = classifier.gradients(parameters, *batch())
    assert not any(tensor.requires_grad for tensor in (losses, *gradients))


# Without plasticity


def test_with_alpha_zero_the_network_is_the_plain_one_bit_for_bit():
    """Whatever eta and the trace: the same losses, the same gradients of the slow weights and the same training."""
    plastic, parameters = network()
    plain, others = network(plastic=False, single=True)
    with torch.no_grad():
        parameters[3].zero_()
    assert all(torch.equal(a, b) for a, b in zip(parameters[:3], others, strict=True))
    descent = Sgd(parameters[:3], 0.5), Sgd(others, 0.5)
    for step in range(20):
        inputs, labels = batch(step)
        found, expected = plastic.gradients(parameters, inputs, labels), plain.gradients(others, inputs, labels)
        assert torch.equal(found[0], expected[0])
        assert all(torch.equal(a, b) for a, b in zip(found[1][:3], expected[1], strict=True))
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
    for found, other in zip(gradients[:3], expected, strict=True):
        torch.testing.assert_close(found, other)


def test_a_bound_sets_eta_back_into_its_range_before_the_trace_is_moved():
    inputs, labels = batch()
    bounded, parameters = network(eta=0.0, bounded=True)  # 0, 0.1 and -0.2 by replica
    free, others = network(eta=0.0)
    unbounded = [tensor.detach().clone() for tensor in others]
    with torch.no_grad():
        others[4].clamp_(0, 1)
    found, expected = (
        own.gradients(tensors, inputs, labels) for own, tensors in ((bounded, parameters), (free, others))
    )
    assert torch.equal(found[0], expected[0]) and all(map(torch.equal, found[1], expected[1]))
    assert all(map(torch.equal, parameters, others))
    assert parameters[4].flatten().tolist() == [0, pytest.approx(0.1), 0]
    free.gradients(given := [tensor.requires_grad_() for tensor in unbounded], inputs, labels)
    assert [torch.equal(a, b) for a, b in zip(given[5], parameters[5])] == [True, True, False]


def test_a_condition_with_another_optimizer_needs_its_numbers():
    for other in ("momentum", "adam"):
        with pytest.raises(ValueError, match=f"-{other} needs the protocol's section optimizers"):
            method.optimizer(condition(f"si-{other}"), [], SMOKE.split)
