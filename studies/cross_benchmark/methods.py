"""The methods that are compared, and the small interface that all of them go through, also one of the user's own.

A method is a consolidation: what acts beside the loss at every step and after every task (`common.learning.consolidation`).
It says which hyperparameters are searched, each on a logarithmic scale, and makes the consolidation from their values. The
learning rate is searched for every method, and is not among them. `loading.py` finds a method by name or file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from common.learning.consolidation import Consolidation, Ewc, Mas, OnlineEwc, SynapticIntelligence
from papers.sticky_gradient.method import Attractor, Reading, StickyGradient
from studies.cross_benchmark.protocol import Settings

Slow = Sequence[Tensor]  # the weights and biases [R, ...] that are consolidated
Make = Callable[..., Consolidation]

RATE = "learning_rate"
STRENGTH = {"strength": (1e-3, 1e4)}
ETA = {"eta": (1e-4, 1e-1)}
# Table 3 of the sticky gradient's paper, but for the mean and the SD of its start: all methods start alike.
ATTRACTOR = {"a1": (0.01, 10.0), "gamma": (0.01, 7.0), "zeta": (1e-7, 1e-3), "lambda_": (4.0, 10.0)}
READING = Reading(
    inputs="unit", multiplied="gradient", l1="sum"
)  # that of the paper's figures here, but for its pixels


@dataclass(frozen=True)
class Method:
    """A method.

    make: (slow weights, settings, **hyperparameters) -> consolidation; searched: the range of each hyperparameter; plastic:
    whether the softmax layer is DHP's, whose initial eta is searched as well; joint: whether all tasks are learned at once;
    digest: the SHA-256 of the user's file that it was loaded from; empty for a method of ours.
    """

    make: Make
    searched: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    plastic: bool = False
    joint: bool = False
    digest: str = ""


def plain(slow: Slow, settings: Settings) -> Consolidation:
    """L: nothing beside the loss."""
    return Consolidation(slow, 0.0)


def ewc(slow: Slow, settings: Settings, strength: float) -> Consolidation:
    """L + (strength / 2) sum_tasks sum_k F_k^t (theta_k - theta_k^t)^2 (Kirkpatrick et al. 2017)."""
    return Ewc(slow, strength, settings.importance_images)


def online_ewc(slow: Slow, settings: Settings, strength: float) -> Consolidation:
    """The same with one quadratic term, around the end of the last task (Schwarz et al. 2018)."""
    return OnlineEwc(slow, strength, settings.importance_images)


def si(slow: Slow, settings: Settings, strength: float) -> Consolidation:
    """L + c sum_k Omega_k (theta_k - theta~_k)^2, Omega from the path of the loss (Zenke et al. 2017)."""
    return SynapticIntelligence(slow, strength, settings.xi)


def mas(slow: Slow, settings: Settings, strength: float) -> Consolidation:
    """The same with Omega from the squared length of the output (Aljundi et al. 2018)."""
    return Mas(slow, strength, settings.importance_images)


def sticky(slow: Slow, settings: Settings, a1: float, gamma: float, zeta: float, lambda_: float) -> Consolidation:
    """The gradient of a weight times f(theta) where its step leads away from a1, and L1 (Ghosh et al., Algorithm 1)."""
    attractor = Attractor(a1=a1, mu=0.0, sigma=1.0, gamma=gamma, zeta=zeta, lambda_=lambda_)  # mu, sigma: unused
    return StickyGradient(slow, attractor, READING, attracted=True, l1=True)


METHODS = {
    "finetune": Method(plain),
    "joint": Method(plain, joint=True),
    "ewc": Method(ewc, STRENGTH),
    "online_ewc": Method(online_ewc, STRENGTH),
    "si": Method(si, STRENGTH),
    "mas": Method(mas, STRENGTH),
    "sticky": Method(sticky, ATTRACTOR),
    "dhp": Method(plain, ETA, plastic=True),
    "dhp_ewc": Method(online_ewc, STRENGTH | ETA, plastic=True),
    "dhp_si": Method(si, STRENGTH | ETA, plastic=True),
    "dhp_mas": Method(mas, STRENGTH | ETA, plastic=True),
}
