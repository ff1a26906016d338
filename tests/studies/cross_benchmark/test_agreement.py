"""Where settings coincide, the study's methods make the very runs of the papers' own folders on permuted MNIST.

Tasks, starts, orders of images, importances, steps and accuracies are all compared. DHP's plastic layer is compared in test_model.
"""

from __future__ import annotations

import pytest
import torch

from common.data import prepare
from common.learning.continual import learn
from papers.sticky_gradient import train as sticky_train
from papers.sticky_gradient.method import StickyGradient
from papers.sticky_gradient.protocol import Attractor
from papers.sticky_gradient.readings import reading
from papers.sticky_gradient.runs import REGISTER as STICKY
from papers.synaptic_intelligence import data as si_data
from papers.synaptic_intelligence import train as si_train
from papers.synaptic_intelligence.runs import REGISTER as SI
from studies.cross_benchmark import data, train
from studies.cross_benchmark.methods import METHODS
from studies.cross_benchmark.protocol import Training

pytestmark = pytest.mark.slow
CPU, SEEDS = torch.device("cpu"), [0, 1]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return str(prepare.smoke("mnist", root=tmp_path_factory.mktemp("data")))


def settings(hidden):
    return Training(hidden=hidden, tasks=3, epochs=2, batch=50, importance_images=20, xi=0.1)


def ours(mnist, method, optimizer, values, hidden):
    """The study's learner, what it learns, and in which steps."""
    own = settings(hidden)
    stream, _ = data.stream("permuted", own.tasks, mnist, SEEDS, CPU, METHODS[method].joint)
    learner = train.learner(METHODS[method], "permuted", optimizer, own, values, SEEDS, CPU)
    return learner, stream, train.schedule(own)


@pytest.mark.parametrize(
    ("method", "optimizer", "values", "condition"),
    [
        ("finetune", "adam", {}, "si-0"),
        ("finetune", "sgd", {}, "sgd"),
        ("joint", "adam", {}, "joint"),
        ("si", "adam", {"strength": 0.1}, "si-0.1"),
        ("ewc", "adam", {"strength": 100.0}, "ewc"),
    ],
)
def test_runs_are_those_of_synaptic_intelligence_to_the_bit(mnist, method, optimizer, values, condition):
    same = ["hidden=[8, 8]", "tasks=3", "epochs=2", "batch=50", "fisher_images=20", "xi=0.1", "learning_rate=0.003"]
    same += ["epsilon=1e-8", "reset_optimizer=true"]  # where the study's protocol differs from that paper's
    theirs = SI.protocol("smoke", [f"permuted_mnist.{text}" for text in same]).permuted_mnist
    tuned = {"sgd": 0.003, "ewc": 100.0}.get(condition)
    stream, _ = si_data.stream(theirs, [mnist], condition, SEEDS, CPU)
    other = si_train.learner(theirs, condition, SEEDS, CPU, tuned)
    expected = learn(other, stream, si_train.schedule(theirs, condition), SEEDS, "theirs")
    own, *rest = ours(mnist, method, optimizer, {"learning_rate": 0.003, **values}, (8, 8))
    found = learn(own, *rest, SEEDS, "ours")
    assert torch.equal(found["test"], expected["test"])
    assert all(torch.equal(*pair) for pair in zip(own.parameters, other.parameters, strict=True))


@pytest.mark.parametrize(
    ("method", "condition", "named"),
    [
        ("finetune", "control", "unit-gradient-sum"),
        ("ewc", "ewc", "unit-gradient-sum"),
        ("online_ewc", "ewc", "unit-gradient-sum-online"),
        ("sticky", "sticky-l1", "unit-gradient-sum"),
    ],
)
def test_steps_are_those_of_the_sticky_gradient_where_starts_are_equal(mnist, monkeypatch, method, condition, named):
    monkeypatch.setattr(
        sticky_train, "FusedStickyGradient", StickyGradient
    )  # compiled, it rounds otherwise (test_fused)
    attractor = Attractor(a1=0.1, mu=0.0, sigma=1.0, gamma=2.0, zeta=1e-4, lambda_=5.0)
    searched = {key: getattr(attractor, key) for key in ("a1", "gamma", "zeta", "lambda_")}
    values = {"sticky": searched, "finetune": {}}.get(method, {"strength": 100.0})
    same = ["hidden=8", "tasks=3", "batch=50", "fisher_images=20", "learning_rate=0.003", "ewc_strength=100.0"]
    theirs = STICKY.protocol("smoke", [f"training.{text}" for text in same]).training
    own, stream, steps = ours(mnist, method, "adam", {"learning_rate": 0.003, **values}, (8,))
    other = sticky_train.learner(theirs, condition, attractor, reading(named), SEEDS, CPU)
    with torch.no_grad():
        for start, parameter in zip(own.parameters, other.parameters, strict=True):
            parameter.copy_(start)
    other.consolidation = sticky_train.rule(
        theirs, sticky_train.parts(condition), attractor, reading(named), other.parameters
    )
    other.optimizer = other.make_optimizer(other.parameters)
    found, expected = (learn(learner, stream, steps, SEEDS, "both")["test"] for learner in (own, other))
    assert torch.equal(found, expected)
    assert all(torch.equal(*pair) for pair in zip(own.parameters, other.parameters, strict=True))
