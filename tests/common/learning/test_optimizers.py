"""Our Adam against torch's, gradient descent by hand, and the change that both report."""

import subprocess
import sys

import pytest
import torch

from common.learning.optimizers import Adam, Sgd


def tensors(random):
    return [torch.randn(shape, generator=random).requires_grad_() for shape in ((3, 4), (5,), ())]


def test_fifty_steps_equal_torch_adam_also_for_a_tensor_that_is_reached_late():
    ours, theirs = (tensors(torch.Generator().manual_seed(0)) for _ in range(2))
    adam, reference = Adam(ours, lr=1e-2), torch.optim.Adam(theirs, lr=1e-2)
    for step in range(50):
        for group in (ours, theirs):
            reached = group if step >= 20 else group[:2]
            sum((tensor - 1).square().sum() * (1 + 0.1 * step) for tensor in reached).backward()
        adam.step()
        reference.step()
        reference.zero_grad()
        assert all(tensor.grad is None for tensor in ours)
    for own, other in zip(ours, theirs):
        torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-7)
    assert [int(steps) for steps in adam.steps] == [50, 50, 30]


def test_state_round_trip_continues_exactly():
    one = tensors(torch.Generator().manual_seed(1))
    adam = Adam(one, lr=1e-2)

    def run(group, optimizer, steps):
        for _ in range(steps):
            sum(tensor.square().sum() for tensor in group).backward()
            optimizer.step()

    run(one, adam, 3)
    two = [tensor.detach().clone().requires_grad_() for tensor in one]
    resumed = Adam(two, lr=1e-2)
    resumed.load_state_dict(adam.state_dict())
    run(one, adam, 3)
    run(two, resumed, 3)
    assert all(torch.equal(a, b) for a, b in zip(one, two))


def test_does_not_import_the_compiler():
    code = "import torch, sys; from common.learning.optimizers import Adam; x = torch.zeros(2, requires_grad=True); a = Adam([x], 0.1); "
    code += "x.sum().backward(); a.step(); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MAKERS = [
    lambda group: Adam(group, lr=1e-2),
    lambda group: Sgd(group, lr=0.013),
    lambda group: Sgd(group, lr=0.013, momentum=0.9),
]


def gradients(seed):
    return [tensor.detach() for tensor in tensors(torch.Generator().manual_seed(seed))]


@pytest.mark.parametrize("make", MAKERS)
def test_the_change_is_what_happened_and_asking_for_it_changes_nothing(make):
    plain, asked = ([torch.randn(997, generator=torch.Generator().manual_seed(0))] for _ in range(2))
    space = [torch.empty(997)]
    one, other = make(plain), make(asked)
    for step in range(5):
        given = [torch.randn(997, generator=torch.Generator().manual_seed(10 + step))]
        before, kept = asked[0].clone(), given[0].clone()
        one.step(given)
        changes, factor = other.step_and_change(given, space)
        assert torch.equal(plain[0], asked[0])
        torch.testing.assert_close(factor * changes[0], asked[0] - before, rtol=0, atol=3e-7)
        assert torch.equal(given[0], kept)
    assert (factor * changes[0]).abs().max() > 1e-3


def test_gradients_that_are_given_equal_gradients_of_the_tensors():
    ours, theirs = (tensors(torch.Generator().manual_seed(0)) for _ in range(2))
    one, other = Adam(ours, lr=1e-2), Adam(theirs, lr=1e-2)
    for step in range(3):
        for tensor, gradient in zip(theirs, gradients(step), strict=True):
            tensor.grad = gradient
        one.step(gradients(step))
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_gradient_descent():
    tensor = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    descent = Sgd([tensor], lr=0.25)
    descent.step([torch.tensor([2.0, 0.5], dtype=torch.float64)])
    assert tensor.tolist() == [0.5, -2.125]
    descent.load_state_dict(descent.state_dict())
    descent.step([torch.tensor([2.0, 0.5], dtype=torch.float64)])
    assert tensor.tolist() == [0.0, -2.25]


def test_fifty_steps_with_momentum_equal_torch_also_when_resumed_halfway():
    ours, theirs = (tensors(torch.Generator().manual_seed(0)) for _ in range(2))
    descent, reference = Sgd(ours, 1e-2, momentum=0.9), torch.optim.SGD(theirs, lr=1e-2, momentum=0.9)
    for step in range(50):
        if step == 25:
            saved, descent = descent.state_dict(), Sgd(ours, 1e-2, momentum=0.9)
            descent.load_state_dict(saved)
        for tensor, gradient in zip(theirs, gradients(step), strict=True):
            tensor.grad = gradient
        descent.step(gradients(step))
        reference.step()
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", MAKERS)
def test_the_change_can_be_asked_of_the_first_tensors_alone(make):
    """As many as there is space for; all of them are updated, as without asking."""
    plain, asked = (tensors(torch.Generator().manual_seed(0)) for _ in range(2))
    one, other = make(plain), make(asked)
    for wanted in (2, 1, 3):
        before = [tensor.detach().clone() for tensor in asked]
        given, space = gradients(20 + wanted), [torch.empty_like(tensor) for tensor in asked[:wanted]]
        one.step(given)
        changes, factor = other.step_and_change(given, space)
        assert all(torch.equal(a, b) for a, b in zip(plain, asked, strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(before, asked, strict=True))
        assert len(changes) == wanted
        for change, old, new in zip(changes, before, asked):
            torch.testing.assert_close(factor * change, (new - old).detach(), rtol=0, atol=3e-7)


def test_a_gradient_laid_out_in_another_way_is_the_same_gradient():
    """Convolutions return channels-last gradients, which the fused kernel would read in the wrong order."""
    random = torch.Generator().manual_seed(2)
    gradient = torch.randn(4, 3, 2, 2, generator=random)
    one, two = (torch.zeros(4, 3, 2, 2) for _ in range(2))
    for tensor, given in ((one, gradient), (two, gradient.contiguous(memory_format=torch.channels_last))):
        optimizer = Adam([tensor], lr=1e-2)
        optimizer.step([given])
        optimizer.step([given**3])
    assert torch.equal(one, two) and len(one.unique()) > 40
