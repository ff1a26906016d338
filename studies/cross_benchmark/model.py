"""The study's one network: a perceptron, whose softmax layer is plastic for the methods of DHP."""

from __future__ import annotations

import torch
from torch import Tensor

from common.learning.replicas import Generators, Mlp, Tensors, cross_entropy, linear
from papers.dhp.method import hebbian_update


class PlasticMlp(Mlp):
    """A perceptron with a fast Hebbian weight beside each output weight (DHP, eq. 2): z = (theta + alpha Hebb) h + b.

    sizes: (n_in, hidden..., d); eta: the initial rate of the trace. The slow weights are those of `Mlp`, which start alike.
    Parameters: theirs, then alpha [m, d], eta [1] and the trace Hebb [m, d]. Alpha starts at 0.01 U(0, 1), Hebb at zero.
    """

    def __init__(self, sizes: tuple[int, ...], eta: float) -> None:
        super().__init__(sizes)
        self.eta = eta

    def draw(self, source: torch.Generator) -> list[Tensor]:
        slow, shape = super().draw(source), self.sizes[-2:]
        alpha = torch.empty(*shape).uniform_(0, 0.01, generator=source)
        return [*slow, alpha, torch.full((1,), self.eta), torch.zeros(*shape)]

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """Return the outputs in evaluation, where the trace is used as it is: inputs [R, B, n_in] -> [R, B, d]."""
        *slow, alpha, _, trace = parameters
        return super().logits([*slow[:-2], torch.addcmul(slow[-2], alpha, trace), slow[-1]], inputs)

    def gradients(
        self,
        parameters: Tensors,
        inputs: Tensor,
        labels: Tensor,
        active: Tensor | None = None,
        generators: Generators | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the mean cross-entropy of each replica [R] in training, and its gradients for all but the trace.

        It moves the trace, the last parameter, by the batch (Algorithm 1): show a batch once.
        """
        *slow, alpha, eta, trace = parameters
        hidden = inputs
        for weight, bias in zip(slow[:-2:2], slow[1:-2:2], strict=True):
            hidden = linear(hidden, weight, bias).relu_()
        moved = hebbian_update(trace.detach(), eta, hidden, labels)
        losses = cross_entropy(linear(hidden, torch.addcmul(slow[-2], alpha, moved), slow[-1]), labels, active)
        gradients = torch.autograd.grad(losses.sum(), [*slow, alpha, eta])
        with torch.no_grad():
            trace.copy_(moved)
        return losses.detach(), list(gradients)
