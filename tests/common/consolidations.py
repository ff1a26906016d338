"""What the tests of consolidation share: a network with parameters and data, and every method after tasks of it."""

from __future__ import annotations

import torch

from common.learning.consolidation import Consolidation, Ewc, Mas, OnlineEwc, ReestimatedEwc, SynapticIntelligence
from common.learning.optimizers import Adam
from tests.common.learners import DoubleMlp, Given, random

R, N, SIZES = 3, 12, (5, 6, 4)
NETWORK = DoubleMlp(SIZES)
ALL = {
    "none": lambda parameters, strength=0.7: Consolidation(parameters, strength),
    # more examples than there are: the mean is over those
    "ewc": lambda parameters, strength=0.7: Ewc(parameters, strength, 2 * N),
    "online": lambda parameters, strength=0.7: OnlineEwc(parameters, strength, 2 * N, 0.5),
    "reestimated": lambda parameters, strength=0.7: ReestimatedEwc(parameters, strength, 2 * N),
    "mas": lambda parameters, strength=0.7: Mas(parameters, strength, 2 * N),
    "si": lambda parameters, strength=0.7: SynapticIntelligence(parameters, strength, 0.1),
}
PENALTIES = [name for name in ALL if name != "none"]


def network_parameters(seed, replicas=R):
    """Parameters of NETWORK with biases that are not zero."""
    return [random(*p.shape, seed=100 * seed + place) for place, p in enumerate(NETWORK.initial(range(replicas)))]


def data(seed, outputs=None, replicas=R):
    """Examples for NETWORK; labels among the active outputs; the first input is always zero."""
    inputs = random(replicas, N, SIZES[0], seed=1000 + seed)
    inputs[..., 0] = 0
    labels = torch.randint(SIZES[-1], (replicas, N), generator=torch.Generator().manual_seed(seed))
    if outputs is not None:
        labels = outputs.nonzero()[:, 0][labels % int(outputs.sum())]
    return Given(inputs, labels, outputs)


def after_tasks(name, strength=0.7, optimizer=Adam, tasks=2, consolidated=4, trained=4):
    """A consolidation with NETWORK's parameters after tasks of five steps each, on random gradients.

    consolidated, trained: so many of the parameters are, the first ones.
    """
    parameters = network_parameters(0)
    own = ALL[name](parameters[:consolidated], strength)
    descent = optimizer(parameters[:trained], 0.05)
    for task in range(tasks):
        for step in range(5):
            own.step(parameters, network_parameters(10 + 5 * task + step)[:trained], descent)
        own.end_task(parameters, NETWORK.logits, data(task))
    return own, parameters
