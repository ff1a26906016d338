"""Importances against closed forms and gradients of one example at a time, alone and over several tasks; the penalties."""

from __future__ import annotations

import copy

import pytest
import torch

from common.learning.consolidation import Ewc, Mas, OnlineEwc, ReestimatedEwc, per_example_gradients
from common.learning.optimizers import Adam, Sgd
from tests.common.consolidations import ALL, NETWORK, PENALTIES, SIZES, N, R, after_tasks, data, network_parameters
from tests.common.learners import DoubleMlp, Given, random

# Importances that are means over examples


def test_fisher_of_logistic_regression_has_a_closed_form():
    network = DoubleMlp((5, 2))
    weight, bias = random(R, 5, 2), random(R, 2, seed=1)
    inputs, labels = random(R, N, 5, seed=2), torch.randint(2, (R, N), generator=torch.Generator().manual_seed(0))
    ewc = Ewc([weight, bias], 1.0, N)
    ewc.end_task([weight, bias], network.logits, Given(inputs, labels))
    for r in range(R):
        # p(1 | x) is the logistic function of the difference of the two outputs
        p = torch.sigmoid(inputs[r] @ (weight[r, :, 1] - weight[r, :, 0]) + bias[r, 1] - bias[r, 0])
        squares = (p - labels[r]) ** 2
        expected = (squares[:, None] * inputs[r] ** 2).mean(0)
        torch.testing.assert_close(ewc.importance[0][r], expected[:, None].expand(-1, 2))
        torch.testing.assert_close(ewc.importance[1][r], squares.mean().expand(2))


@pytest.mark.parametrize("outputs", [None, torch.tensor([False, True, False, True])])
@pytest.mark.parametrize("name", ["ewc", "mas"])
def test_importance_of_a_perceptron_equals_one_example_at_a_time(name, outputs):
    parameters, given = network_parameters(0), data(0, outputs)
    own = ALL[name](parameters)
    own.end_task(parameters, NETWORK.logits, given)
    for r in range(R):
        leaves = [p[r].clone().requires_grad_() for p in parameters]
        total = [torch.zeros_like(p) for p in leaves]
        for x, y in zip(given.inputs[r], given.labels[r], strict=True):
            answers = (x @ leaves[0] + leaves[1]).relu() @ leaves[2] + leaves[3]
            active = answers if outputs is None else answers[outputs]
            value = answers[y] - active.exp().sum().log() if name == "ewc" else (active**2).sum()
            for sums, g in zip(total, torch.autograd.grad(value, leaves), strict=True):
                sums += g**2 if name == "ewc" else g.abs()
        for importance, sums in zip(own.importance, total, strict=True):
            torch.testing.assert_close(importance[r], sums / N)
    if outputs is not None:
        assert (own.importance[-1][:, [0, 2]] == 0).all()


def test_mas_of_a_linear_map_has_a_closed_form():
    network = DoubleMlp((5, 3))
    weight, bias, inputs = random(R, 5, 3), random(R, 3, seed=1), random(R, N, 5, seed=2)
    mas = Mas([weight, bias], 1.0, N)
    mas.end_task([weight, bias], network.logits, Given(inputs, torch.zeros(R, N, dtype=torch.long)))
    for r in range(R):
        answers = inputs[r] @ weight[r] + bias[r]
        torch.testing.assert_close(mas.importance[0][r], 2 * (inputs[r].abs().T @ answers.abs()) / N)
        torch.testing.assert_close(mas.importance[1][r], 2 * answers.abs().mean(0))


def test_gradients_of_single_examples_sum_to_the_gradient_of_the_sum():
    """Or those with respect to the first parameters alone."""
    leaves, given = [p[0].requires_grad_() for p in network_parameters(0)], data(0)

    def objective(logits, labels):
        return (logits**3).sum(1) * labels

    arguments = objective, NETWORK.logits, leaves, given.inputs[0], given.labels[0]
    each, some = per_example_gradients(*arguments), per_example_gradients(*arguments, count=3)
    assert len(some) == 3 and all(torch.equal(a, b) for a, b in zip(some, each))
    answers = NETWORK.logits([p[None] for p in leaves], given.inputs[:1])[0]
    expected = torch.autograd.grad(objective(answers, given.labels[0]).sum(), leaves)
    for one, whole in zip(each, expected, strict=True):
        assert one.shape == (N, *whole.shape)
        torch.testing.assert_close(one.sum(0), whole)


class TwoSets(DoubleMlp):
    """A perceptron with a second matrix of output weights, added to the first."""

    def logits(self, parameters, inputs, generators=None):
        return super().logits([*parameters[:2], parameters[2] + parameters[4], parameters[3]], inputs, generators)


@pytest.mark.parametrize("name", ["ewc", "online", "reestimated", "mas"])
def test_parameters_that_are_added_up_have_the_same_importance(name):
    """Their gradients are equal, and may be one tensor: finding one importance must not change the other."""
    network = TwoSets(SIZES)
    parameters = [*network_parameters(0), random(R, *SIZES[-2:], seed=77)]
    own = ALL[name](parameters)
    own.end_task(parameters, network.logits, data(0))
    summed = [*parameters[:2], parameters[2] + parameters[4], parameters[3]]
    single = ALL[name](summed)
    single.end_task(summed, NETWORK.logits, data(0))
    for place, expected in enumerate([*single.importance, single.importance[2]]):
        torch.testing.assert_close(own.importance[place], expected, msg=f"importance of tensor {place}")


# Several tasks


ENDS = [network_parameters(task) for task in range(3)]


def after(own, *tasks):
    """The consolidation once these tasks have ended, each at its ENDS."""
    for task in tasks:
        own.end_task(ENDS[task], NETWORK.logits, data(task))
    return own


def each_alone(kind):
    """The importance of each task on its own; kind: Ewc or Mas."""
    return [after(kind(ENDS[task], 1.0, N), task).importance for task in range(3)]


def test_one_quadratic_of_ewc_is_the_sum_of_the_tasks_quadratics_up_to_a_constant():
    alone, ewc, differences = each_alone(Ewc), after(Ewc(network_parameters(9), 0.7, N), 0, 1, 2), []
    for point in (network_parameters(20), network_parameters(21), ENDS[1]):
        zeros = [torch.zeros_like(p) for p in point]
        separate = torch.zeros(R, dtype=torch.float64)
        for place, found in enumerate(ewc.penalized(point, zeros)):
            pulls = [0.7 * f[place] * (point[place] - end[place]) for end, f in zip(ENDS, alone, strict=True)]
            torch.testing.assert_close(found, sum(pulls))
            terms = [f[place] * (point[place] - end[place]) ** 2 for end, f in zip(ENDS, alone, strict=True)]
            separate += 0.35 * sum(terms).flatten(1).sum(1)
        differences.append(separate - ewc.penalty(point))
    torch.testing.assert_close(differences[0], differences[1])
    torch.testing.assert_close(differences[0], differences[2])
    assert (differences[0] > 0.01).all()
    # the first input is always zero, and so is the importance of its weights: nothing may become nan
    assert (ewc.importance[0][:, 0] == 0).all()
    assert all(tensor.isfinite().all() for tensor in ewc.anchor)


@pytest.mark.parametrize(("kind", "gamma"), [(OnlineEwc, 1.0), (OnlineEwc, 0.25), (Mas, 1.0)])
def test_online_ewc_forgets_old_importances_by_gamma_mas_none_and_both_keep_near_the_last_task(kind, gamma):
    single, options = (Mas, {}) if kind is Mas else (Ewc, {"gamma": gamma})
    alone, own = each_alone(single), after(kind(network_parameters(9), 0.7, N, **options), 0, 1, 2)
    for place, importance in enumerate(own.importance):
        expected = gamma**2 * alone[0][place] + gamma * alone[1][place] + alone[2][place]
        torch.testing.assert_close(importance, expected)
        assert torch.equal(own.anchor[place], ENDS[2][place])
        assert own.anchor[place].data_ptr() != ENDS[2][place].data_ptr()  # a copy, which training leaves alone
    assert own.tasks == 3


def test_reestimated_ewc_forgets_what_it_found_before_and_takes_the_networks_answers_for_labels():
    own, answered, given = after(ReestimatedEwc(ENDS[0], 0.7, N), 0, 1), Ewc(ENDS[1], 0.7, N), data(1)
    answers = NETWORK.logits(ENDS[1], given.inputs).argmax(-1)
    assert not torch.equal(answers, given.labels)
    answered.end_task(ENDS[1], NETWORK.logits, Given(given.inputs, answers))
    torch.testing.assert_close(own.importance, answered.importance)
    assert all(map(torch.equal, own.anchor, ENDS[1]))


@pytest.mark.parametrize("name, earlier", [("ewc", False), ("online", False), ("reestimated", True), ("mas", False)])
def test_only_reestimated_ewc_looks_at_earlier_tasks_again(name, earlier):
    given, parameters = data(0), network_parameters(0)
    ALL[name](parameters).end_task(parameters, NETWORK.logits, given)
    assert given.asked == [earlier]


# The penalty and its gradient


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_and_penalized_gradient_are_those_of_the_common_form(name):
    own, _ = after_tasks(name)
    assert any((omega > 0).any() for omega in own.importance)
    leaves = [p.requires_grad_() for p in network_parameters(50)]
    factor = 0.5 if name in ("ewc", "online") else 1.0
    penalty = sum(
        0.7 * factor * (omega * (p - anchor) ** 2).flatten(1).sum(1)
        for omega, p, anchor in zip(own.importance, leaves, own.anchor, strict=True)
    )
    torch.testing.assert_close(own.penalty(leaves), penalty.detach())
    given = data(7)
    losses = NETWORK.logits(leaves, given.inputs).square().mean((1, 2))
    gradients = list(torch.autograd.grad(losses.sum(), leaves, retain_graph=True))
    kept = [g.clone() for g in gradients]
    expected = torch.autograd.grad((losses + penalty).sum(), leaves)
    found = own.penalized(leaves, gradients)
    for place, g in enumerate(expected):
        torch.testing.assert_close(found[place], g)
        assert torch.equal(gradients[place], kept[place])
        assert not torch.allclose(found[place], kept[place])


@pytest.mark.parametrize("name", ALL)
def test_no_penalty_before_the_first_task_ends(name):
    parameters, gradients = network_parameters(0), network_parameters(1)
    own = ALL[name](parameters)
    moved = [p + 1 for p in parameters]
    assert all(torch.equal(a, b) for a, b in zip(own.penalized(moved, gradients), gradients, strict=True))
    assert own.penalty(moved).tolist() == [0.0] * R


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("optimizer", [Adam, Sgd])
def test_strength_zero_is_plain_training_bit_for_bit(name, optimizer):
    _, plain = after_tasks("none", optimizer=optimizer)
    _, weak = after_tasks(name, strength=0.0, optimizer=optimizer)
    assert all(torch.equal(a, b) for a, b in zip(plain, weak, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ALL)
def test_shapes_and_types_are_the_parameters_and_the_state_round_trips(name, dtype):
    def logits(parameters, inputs):
        return NETWORK.logits([p.double() for p in parameters], inputs).to(dtype)

    def run(own, parameters, tasks):
        descent = Adam(parameters, 0.05)
        for task in tasks:
            for step in range(3):
                own.step(parameters, [g.to(dtype) for g in network_parameters(10 + 3 * task + step)], descent)
            given = data(task)
            own.end_task(parameters, logits, Given(given.inputs.to(dtype), given.labels))

    parameters = [p.to(dtype) for p in network_parameters(0)]
    own = ALL[name](parameters)
    run(own, parameters, (0,))
    tensors = [value for value in own.state_dict().values() if isinstance(value, list)]
    for values in (*tensors, own.penalized(parameters, parameters)):
        assert [(p.shape, p.dtype) for p in values] == [(p.shape, p.dtype) for p in parameters]
        assert not any(p.requires_grad for p in values)
    assert own.penalty(parameters).shape == (R,)

    copies = [p.clone() for p in parameters]
    resumed = ALL[name]([torch.zeros_like(p) for p in parameters])
    resumed.load_state_dict(copy.deepcopy(own.state_dict()))
    run(own, parameters, (1, 2))
    run(resumed, copies, (1, 2))
    assert all(torch.equal(a, b) for a, b in zip(parameters, copies, strict=True))
    assert own.tasks == resumed.tasks == 3
    for key, values in own.state_dict().items():
        if isinstance(values, list):
            assert all(torch.equal(a, b) for a, b in zip(values, resumed.state_dict()[key], strict=True))
