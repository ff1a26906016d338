"""The protocol refuses what cannot be trained, and finished runs do not depend on which others there are."""

from __future__ import annotations

import pytest

from common.running.protocols import ProtocolError
from papers.synaptic_intelligence import runs
from papers.synaptic_intelligence.runs import REGISTER
from tests.papers.synaptic_intelligence.small import PAPER


@pytest.mark.parametrize(
    "override, message",
    [
        ("split_mnist.learning_rate=0.0", r"learning_rate must be positive, not 0\.0"),
        ("permuted_mnist.xi=0.0", r"xi must be positive, not 0\.0"),
        ("cifar.cifar100_tasks=11", "cifar100_tasks: ten classes each make 10 tasks at most, not 11"),
        ("tuning.held_out=60000", "held_out must be below the 60000 training images of MNIST, not 60000"),
        ("tuning.ewc_strengths=[1.0, 0.0]", "ewc_strengths must be positive"),
        ("design.split_mnist_seeds=1001", "split_mnist_seeds must lie from 1 to 1000, where tuning begins, not 1001"),
        ("design.cifar_seeds=1001", "cifar_seeds must lie from 1 to 1000"),
        ("design.split_mnist_conditions=[si-0, dropout]", "split_mnist has no condition 'dropout'; known are si-C"),
        ("design.split_mnist_conditions=[si]", "split_mnist has no condition 'si'"),
        ("design.permuted_mnist_conditions=[EWC]", "permuted_mnist has no condition 'EWC'"),
        ("design.cifar_conditions=[joint]", "cifar has no condition 'joint'"),
        ("design.cifar_conditions=[si-x]", "cifar has no condition 'si-x'; known are si-C, such as si-0.1, scratch"),
    ],
)
def test_values_that_cannot_be_trained_with_are_refused(override, message):
    with pytest.raises(ProtocolError, match=rf"section '{override.split('.')[0]}', scale 'paper': {message}"):
        REGISTER.protocol("paper", [override])


def trained(*overrides):
    """All tables that jobs write on a CPU, each with the digest of what its job reads."""
    protocol, digests = REGISTER.protocol("paper", overrides), {}
    for benchmark in runs.BENCHMARKS:
        settings = REGISTER.settings("train", "paper", {"benchmark": benchmark}, overrides)
        digests |= dict.fromkeys(runs.accuracies(benchmark, protocol, "paper", "cpu"), settings.digest)
    for condition in ("ewc", "sgd"):
        settings = REGISTER.settings("tune", "paper", {"condition": condition}, overrides)
        digests |= dict.fromkeys(runs.tuning(protocol, "paper", condition), settings.digest)
    return digests


CONDITIONS = PAPER.design.permuted_mnist_conditions


ADDED = {
    f"design.permuted_mnist_conditions={[*CONDITIONS, 'si-0.05']}": [f"si-0.05/seeds{n}-{n}" for n in range(3)],
    "design.permuted_mnist_seeds=4": [f"{condition}/seeds3-3" for condition in CONDITIONS],
}


@pytest.mark.parametrize("override", ADDED, ids=["condition", "seed"])
def test_one_more_condition_or_seed_trains_only_that(monkeypatch, tmp_path, override):
    monkeypatch.chdir(tmp_path)  # where nothing has been trained
    before, after = trained(), trained(override)
    assert before.items() <= after.items()
    folder = "results/paper/synaptic_intelligence/permuted_mnist"
    assert after.keys() - before.keys() == {f"{folder}/{name}.csv" for name in ADDED[override]}
