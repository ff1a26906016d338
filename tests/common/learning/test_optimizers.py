"""Our Adam and gradient descent against torch's, and the change that both report."""

import math
import subprocess
import sys

import pytest
import torch

from common.learning.optimizers import Adam, Sgd


def tensors(seed=0):
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=random).requires_grad_() for shape in ((3, 4), (997,), ())]


def gradients(seed):
    return [tensor.detach() for tensor in tensors(seed)]


def test_fifty_steps_equal_torch_adam_also_for_a_tensor_that_is_reached_late_and_when_resumed_halfway():
    ours, theirs = tensors(), tensors()
    adam, reference = Adam(ours, lr=1e-2), torch.optim.Adam(theirs, lr=1e-2)
    for step in range(50):
        if step == 25:
            saved, adam = adam.state_dict(), Adam(ours, lr=1e-2)
            adam.load_state_dict(saved)
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


def by_hand(value, gradients, lr, resets, beta1=0.9, beta2=0.999, eps=1e-7):
    """Adam on one number, of Kingma and Ba's Algorithm 1; before the steps of `resets` m = v = 0, and t goes on."""
    m = v = 0.0
    for t, gradient in enumerate(gradients, start=1):
        m, v = (0.0, 0.0) if t in resets else (m, v)
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        value -= lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return value


@pytest.mark.parametrize("resets", [(), (1,), (4,), (4, 8)])
def test_moments_are_reset_while_the_step_count_goes_on_as_by_hand(resets):
    given = [0.3, -1.2, 0.7, 0.4, 0.9, -0.2, 0.5, 1.5, -0.8, 0.6]
    value = torch.tensor([1.0], dtype=torch.float64)
    adam = Adam([value], lr=0.1, eps=1e-7)
    for t, gradient in enumerate(given, start=1):
        if t in resets:
            adam.reset_moments()
        adam.step([torch.tensor([gradient], dtype=torch.float64)])
    assert value.item() == pytest.approx(by_hand(1.0, given, 0.1, resets), rel=1e-6)
    others = [by_hand(1.0, given, 0.1, other) for other in ((), (4,), (4, 8)) if other != resets and resets != (1,)]
    assert all(abs(value.item() - other) > 1e-2 for other in others)


def test_the_first_step_after_a_late_reset_is_three_times_as_long_as_a_fresh_starts():
    """lr (1 - beta1) / sqrt(1 - beta2) where t is large, lr where it is 1."""
    value = torch.tensor([0.0])
    adam = Adam([value], lr=1e-3)
    for _ in range(20_000):
        adam.step([torch.ones(1)])
    adam.reset_moments()
    before = value.clone()
    adam.step([torch.ones(1)])
    assert (before - value).item() == pytest.approx(1e-3 * 0.1 / math.sqrt(0.001), rel=1e-2)
    sgd = Sgd([value], lr=0.5, momentum=0.9)
    sgd.step([torch.ones(1)])
    sgd.reset_moments()
    before = value.clone()
    sgd.step([torch.ones(1)])
    assert (before - value).item() == pytest.approx(0.5)


def test_does_not_import_the_compiler():
    code = "import torch, sys; from common.learning.optimizers import Adam; x = torch.zeros(2, requires_grad=True); a = Adam([x], 0.1); "
    code += "x.sum().backward(); a.step(); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MAKERS = [
    lambda group: Adam(group, lr=1e-2),
    lambda group: Sgd(group, lr=0.013),
    lambda group: Sgd(group, lr=0.013, momentum=0.9),
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_change_of_the_first_tensors_is_what_happened_and_asking_for_it_changes_nothing(make):
    """Of as many as there is space for; all of them are updated, as without asking."""
    plain, asked = tensors(), tensors()
    one, other = make(plain), make(asked)
    for step, wanted in enumerate((2, 1, 3, 3, 2)):
        before, space = [[tensor.detach().clone() for tensor in group] for group in (asked, asked[:wanted])]
        given, kept = gradients(20 + step), gradients(20 + step)
        one.step(given)
        changes, factor = other.step_and_change(given, space)
        assert all(map(torch.equal, plain, asked)) and not any(map(torch.equal, before, asked))
        assert all(map(torch.equal, given, kept)) and len(changes) == wanted
        for change, old, new in zip(changes, before, asked):
            torch.testing.assert_close(factor * change, (new - old).detach(), rtol=0, atol=3e-7)
            assert (factor * change).abs().max() > 1e-3


def test_gradients_that_are_given_equal_gradients_of_the_tensors():
    ours, theirs = tensors(), tensors()
    one, other = Adam(ours, lr=1e-2), Adam(theirs, lr=1e-2)
    for step in range(3):
        for tensor, gradient in zip(theirs, gradients(step), strict=True):
            tensor.grad = gradient
        one.step(gradients(step))
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_fifty_steps_of_gradient_descent_equal_torch_also_when_resumed_halfway(momentum):
    ours, theirs = tensors(), tensors()
    descent, reference = Sgd(ours, 1e-2, momentum), torch.optim.SGD(theirs, lr=1e-2, momentum=momentum)
    for step in range(50):
        if step == 25:
            saved, descent = descent.state_dict(), Sgd(ours, 1e-2, momentum)
            descent.load_state_dict(saved)
        for tensor, gradient in zip(theirs, gradients(step), strict=True):
            tensor.grad = gradient
        descent.step(gradients(step))
        reference.step()
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)


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
