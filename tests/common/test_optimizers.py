"""Our Adam against torch's."""

import subprocess
import sys

import torch

from common.optimizers import Adam


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
    code = (
        "import torch, sys; from common.optimizers import Adam; x = torch.zeros(2, requires_grad=True); a = Adam([x], 0.1); "
    )
    code += "x.sum().backward(); a.step(); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
