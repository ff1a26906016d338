"""Each condition has the consolidation and the optimizer that it is named after."""

from __future__ import annotations

import pytest
import torch

from common.learning.consolidation import Consolidation, Ewc, SynapticIntelligence
from common.learning.optimizers import Adam, Sgd
from papers.synaptic_intelligence import method, train
from tests.papers.synaptic_intelligence.small import SMOKE

SETTINGS = SMOKE.permuted_mnist


@pytest.mark.parametrize(
    "condition, kind, strength, optimizer",
    [
        ("si-0.1", SynapticIntelligence, 0.1, Adam),
        ("si-0", SynapticIntelligence, 0.0, Adam),  # measures importances and never pulls
        ("ewc", Ewc, 300.0, Adam),
        ("sgd", Consolidation, 0.0, Sgd),
        ("dropout", Consolidation, 0.0, Adam),
    ],
)
def test_what_trains_a_condition(condition, kind, strength, optimizer):
    learner = train.learner(SETTINGS, condition, [0], torch.device("cpu"), tuned=300.0)
    assert type(learner.consolidation) is kind and learner.consolidation.strength == strength
    assert type(learner.optimizer) is optimizer
    assert getattr(learner.consolidation, "xi", SETTINGS.xi) == SETTINGS.xi


def test_the_optimizers_are_those_of_the_protocol():
    adam = method.optimizer("si-0", [torch.zeros(1, 2)], SETTINGS)
    of_protocol = (SETTINGS.learning_rate, SETTINGS.beta1, SETTINGS.beta2, SETTINGS.epsilon)
    assert (adam.lr, *adam.betas, adam.eps) == of_protocol
    (tensor,) = parameters = [torch.tensor([[1.0, 1.0]])]
    method.optimizer("sgd", parameters, SETTINGS, tuned=0.3).step([torch.tensor([[0.5, -2.0]])])
    torch.testing.assert_close(tensor, torch.tensor([[0.85, 1.6]]))
