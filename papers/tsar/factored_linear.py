"""A linear map too large to hold its own gradient, and the Adam step that never writes that gradient out.

For y = x W^T + b the gradient of W is the product g^T x of g = dL/dy [batch, out] and x [batch, in]. Both factors are
small; their product is as large as W. `FactoredLinear` keeps the factors. `FactoredAdam` multiplies them a block of rows at
a time, and updates the block while it is still in cache. With a batch of one the product is an outer product.
"""

from __future__ import annotations

import torch
from torch import Tensor

from common.learning.optimizers import fused_step

# Elements of W handled at a time: on a CPU a block and its Adam moments should stay in cache, on a GPU each launch
# should be large enough to hide its own overhead.
CPU_BLOCK, GPU_BLOCK = 2**20, 2**27


class FactoredLinear:
    """y = x W^T + b with W [out, in] and b [out]; backward leaves `factors`, a list of (g, x), instead of W.grad.

    bias: an ordinary leaf tensor, which gets an ordinary gradient; trainable: otherwise no factors are kept.
    The map can be differentiated once, which is all that meta-learning needs: W lies outside the inner loop.
    """

    def __init__(self, weight: Tensor, bias: Tensor, trainable: bool = True):
        self.weight = weight.requires_grad_(False)
        self.bias = bias.requires_grad_(trainable)
        self.trainable = trainable
        self.factors: list[tuple[Tensor, Tensor]] = []

    def __call__(self, x: Tensor) -> Tensor:
        """Return y [batch, out] for x [batch, in]."""
        return _Product.apply(x, self.bias, self)

    def row_blocks(self) -> list[slice]:
        """Return the rows of W that are handled at a time."""
        elements = CPU_BLOCK if self.weight.device.type == "cpu" else GPU_BLOCK
        rows = max(1, elements // self.weight.shape[1])
        return [slice(start, start + rows) for start in range(0, len(self.weight), rows)]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, bias: Tensor, linear: FactoredLinear) -> Tensor:
        ctx.save_for_backward(x)
        ctx.linear = linear
        if len(x) == 1 or x.device.type != "cpu":
            return torch.addmm(bias, x, linear.weight.T)
        # One call over all rows runs at two thirds of the speed on a CPU: W falls out of cache inside it.
        y = x.new_empty(len(x), len(linear.weight))
        for rows in linear.row_blocks():
            y[:, rows] = torch.addmm(bias[rows], x, linear.weight[rows].T)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g: Tensor):
        (x,) = ctx.saved_tensors
        if ctx.linear.trainable:
            ctx.linear.factors.append((g, x.detach()))
        return (
            g @ ctx.linear.weight if ctx.needs_input_grad[0] else None,
            g.sum(0) if ctx.needs_input_grad[1] else None,
            None,
        )


class FactoredAdam:
    """Adam on the weight of a FactoredLinear, from the factors that backward left there.

    The same numbers as torch.optim.Adam(fused=True) on the dense gradient, without that gradient's memory or traffic.
    The bias belongs to an ordinary optimizer.
    """

    def __init__(self, linear: FactoredLinear, lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.linear, self.lr, self.betas, self.eps = linear, lr, betas, eps
        self.steps = torch.zeros((), device=linear.weight.device)  # there, so that a CUDA graph can count
        self.first_moment = torch.zeros_like(linear.weight)
        self.second_moment = torch.zeros_like(linear.weight)

    @torch.no_grad()
    def step(self) -> None:
        """Make one update; do nothing if no backward pass has reached the map since the last one."""
        if not self.linear.factors:
            return
        outputs, inputs = zip(*self.linear.factors)
        self.linear.factors.clear()
        g, x = (factors[0] if len(factors) == 1 else torch.cat(factors) for factors in (outputs, inputs))
        weight = self.linear.weight
        gradient = None
        for rows in self.linear.row_blocks():
            block = weight[rows]
            gradient = torch.empty_like(block) if gradient is None else gradient[: len(block)]
            if len(g) == 1:
                torch.mul(g[0, rows, None], x, out=gradient)
            else:
                torch.mm(g[:, rows].T, x, out=gradient)
            moments = [self.first_moment[rows]], [self.second_moment[rows]]
            fused_step([block], [gradient], *moments, [self.steps.clone()], self.lr, self.betas, self.eps)
        self.steps += 1

    def state_dict(self) -> dict:
        return {"steps": self.steps, "first_moment": self.first_moment, "second_moment": self.second_moment}

    def load_state_dict(self, state: dict) -> None:
        self.steps.copy_(state["steps"])
        self.first_moment.copy_(state["first_moment"])
        self.second_moment.copy_(state["second_moment"])
