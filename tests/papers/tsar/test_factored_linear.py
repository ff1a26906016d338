"""A FactoredLinear and its Adam give the same numbers as a dense linear map under torch.optim.Adam."""

import pytest
import torch
import torch.nn.functional as F

from papers.tsar import factored_linear
from papers.tsar.factored_linear import FactoredAdam, FactoredLinear


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch):
    """Blocks of 3 rows, so that a test matrix spans several and the last is smaller."""
    monkeypatch.setattr(factored_linear, "CPU_BLOCK", 3 * 5)


def pair(dtype=torch.float64):
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(10, 5, generator=random, dtype=dtype)
    bias = torch.randn(10, generator=random, dtype=dtype)
    dense = (weight.clone().requires_grad_(), bias.clone().requires_grad_())
    return FactoredLinear(weight.clone(), bias.clone()), dense, random


@pytest.mark.parametrize("batch", [1, 7])
def test_values_and_gradients_equal_a_dense_map(batch):
    linear, (weight, bias), random = pair()
    x = torch.randn(batch, 5, generator=random, dtype=torch.float64, requires_grad=True)
    dense_x = x.detach().clone().requires_grad_()
    linear(x).tanh().square().sum().backward()
    F.linear(dense_x, weight, bias).tanh().square().sum().backward()
    ((g, kept),) = linear.factors
    torch.testing.assert_close(g.T @ kept, weight.grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(linear.bias.grad, bias.grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(x.grad, dense_x.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 4])
def test_fifty_steps_equal_torch_adam(batch):
    linear, (weight, bias), random = pair(torch.float32)
    ours = FactoredAdam(linear, lr=1e-2)
    theirs = torch.optim.Adam([weight], lr=1e-2)
    for _ in range(50):
        x = torch.randn(batch, 5, generator=random)
        linear(x).square().sum().backward()
        ours.step()
        theirs.zero_grad()
        F.linear(x, weight, bias).square().sum().backward()
        theirs.step()
    torch.testing.assert_close(linear.weight, weight.detach(), rtol=1e-5, atol=1e-6)
    assert ours.steps == 50


def test_several_backward_passes_add_up():
    linear, (weight, bias), random = pair()
    ours, theirs = FactoredAdam(linear, lr=1e-2), torch.optim.Adam([weight], lr=1e-2)
    for _ in range(2):
        x = torch.randn(3, 5, generator=random, dtype=torch.float64)
        linear(x).square().sum().backward()
        F.linear(x, weight, bias).square().sum().backward()
    ours.step()
    theirs.step()
    torch.testing.assert_close(linear.weight, weight.detach())


def test_a_frozen_map_keeps_no_factors_and_passes_gradients_on():
    linear = FactoredLinear(torch.ones(4, 2), torch.zeros(4), trainable=False)
    x = torch.ones(1, 2, requires_grad=True)
    linear(x).sum().backward()
    assert linear.factors == [] and linear.bias.grad is None
    torch.testing.assert_close(x.grad, torch.full((1, 2), 4.0))
