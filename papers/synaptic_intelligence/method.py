"""Synaptic intelligence as this reproduction runs it, and the conditions that it is compared with.

The rule itself, shared with another paper of the suite, is `common.learning.consolidation.SynapticIntelligence`:

    eq. 3    omega_k = - sum over steps of g_k (theta_k' - theta_k)
    eq. 5    Omega_k = sum over tasks of omega_k / ((Delta theta_k)^2 + xi)
    eq. 4    L~ = L + c sum_k Omega_k (theta~_k - theta_k)^2

What the text leaves open, and what is settled here (as in the authors' code):

- g is the gradient of the task's loss alone, not of the loss with the penalty, on the mini-batch (with dropout, the
  dropped-out network) that the step is made with;
- theta' - theta is what the optimizer did (Adam's step on loss plus penalty), not -lr g;
- the sum Omega is clipped at zero after each task; single tasks' omega / (...) may be negative;
- Delta theta is measured from the end of the previous task, for the first task from the initial parameters;
- all parameters are consolidated, biases and output layer included; the penalty has no factor 1/2;
- omega, Omega and the anchor are kept when the optimizer's state is reset.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from common.learning.consolidation import Consolidation, Ewc, SynapticIntelligence
from common.learning.optimizers import Adam, Sgd
from papers.synaptic_intelligence.protocol import PermutedMnist, Training, strength_of_consolidation

TUNED = ("ewc", "sgd")  # the strength of EWC, the learning rate of SGD: the paper gives neither


def consolidation(
    condition: str, parameters: Sequence[Tensor], settings: Training, tuned: float | None = None
) -> Consolidation:
    """The consolidation of a condition; si-0 measures importances but never pulls. tuned: EWC's lambda."""
    c = strength_of_consolidation(condition)
    if c is not None:
        return SynapticIntelligence(parameters, c, settings.xi)
    if condition == "ewc":
        assert tuned is not None and isinstance(settings, PermutedMnist)
        return Ewc(parameters, tuned, settings.fisher_images)
    return Consolidation(parameters, 0.0)


def optimizer(condition: str, parameters: list[Tensor], settings: Training, tuned: float | None = None) -> Adam | Sgd:
    """Adam as published; for the condition sgd plain gradient descent with the tuned learning rate."""
    if condition == "sgd":
        assert tuned is not None
        return Sgd(parameters, tuned)
    return Adam(parameters, settings.learning_rate, (settings.beta1, settings.beta2), settings.epsilon)
