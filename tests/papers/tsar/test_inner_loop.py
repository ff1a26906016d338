"""The inner loop on a quadratic, where every answer has a closed form."""

import pytest
import torch

from papers.tsar import inner_loop

CURVATURE = torch.tensor([1.0, 3.0], dtype=torch.float64)


def loss(parameters, target):
    return 0.5 * (CURVATURE * (parameters["theta"] - target).square()).sum()


def run(second_order, steps=4, rate=0.1):
    initial = {"theta": torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)}
    target = torch.tensor([0.5, 0.25], dtype=torch.float64)
    final = inner_loop.sgd(loss, initial, [target] * steps, rate, second_order)
    return initial, final, target


@pytest.mark.parametrize("second_order", [False, True])
def test_gradient_descent_on_a_quadratic(second_order):
    initial, final, target = run(second_order)
    expected = target + (1 - 0.1 * CURVATURE) ** 4 * (initial["theta"].detach() - target)
    torch.testing.assert_close(final["theta"].detach(), expected)


def test_second_order_gradient_has_the_factor_of_the_path():
    initial, final, _ = run(second_order=True)
    inner_loop.backward(final["theta"].sum(), initial, final)
    torch.testing.assert_close(initial["theta"].grad, (1 - 0.1 * CURVATURE) ** 4)


def test_first_order_gradient_is_the_gradient_at_the_end():
    initial, final, _ = run(second_order=False)
    inner_loop.backward((final["theta"] ** 2).sum(), initial, final)
    torch.testing.assert_close(initial["theta"].grad, 2 * final["theta"].detach())


def test_initial_values_are_left_alone_and_unreached_parameters_pass_through():
    initial = {
        "theta": torch.ones(2, dtype=torch.float64, requires_grad=True),
        "idle": torch.ones(1, requires_grad=True),
    }
    for second_order in (False, True):
        final = inner_loop.sgd(loss, initial, [torch.zeros(2, dtype=torch.float64)], 0.1, second_order)
        assert torch.equal(final["idle"].detach(), torch.ones(1))
        assert torch.equal(initial["theta"].detach(), torch.ones(2, dtype=torch.float64))
