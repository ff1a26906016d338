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
        ("split_mnist.epochs=0", "epochs must be positive, not 0"),
        ("split_mnist.batch=0", "batch must be positive, not 0"),
        ("split_mnist.hidden=[256, 0]", "hidden must be positive, not 0"),
        ("split_mnist.beta2=1.0", r"beta2 must be at least 0 and below 1, not 1\.0"),
        ("split_mnist.learning_rate=0.0", r"learning_rate must be positive, not 0\.0"),
        ("permuted_mnist.tasks=0", "tasks must be positive, not 0"),
        ("permuted_mnist.xi=0.0", r"xi must be positive, not 0\.0"),
        ("permuted_mnist.fisher_images=0", "fisher_images must be positive, not 0"),
        ("permuted_mnist.dropout_rate=1.5", r"dropout_rate must be at least 0 and below 1, not 1\.5"),
        ("cifar.cifar100_tasks=0", "cifar100_tasks must be positive, not 0"),
        ("cifar.channels=[32, 0]", "channels must be positive, not 0"),
        ("cifar.convolution_dropout_rate=-0.1", "convolution_dropout_rate must be at least 0"),
        ("cifar.dense_dropout_rate=1.0", "dense_dropout_rate must be at least 0 and below 1"),
        ("tuning.held_out=0", "held_out must be positive, not 0"),
        ("tuning.sgd_tasks=0", "sgd_tasks must be positive, not 0"),
        ("tuning.ewc_strengths=[1.0, 0.0]", "ewc_strengths must be positive"),
        ("design.split_mnist_seeds=0", "split_mnist_seeds must lie from 1 to 1000, where tuning begins, not 0"),
        ("design.cifar_seeds=1001", "cifar_seeds must lie from 1 to 1000"),
        ("design.split_mnist_conditions=[si-0, dropout]", "split_mnist has no condition 'dropout'; known are si-C"),
        ("design.split_mnist_conditions=[si]", "split_mnist has no condition 'si'"),
        ("design.permuted_mnist_conditions=[EWC]", "permuted_mnist has no condition 'EWC'"),
        ("design.cifar_conditions=[joint]", "cifar has no condition 'joint'"),
        ("design.cifar_conditions=[si-x]", "cifar has no condition 'si-x'; known are si-C, such as si-0.1, scratch"),
    ],
)
def test_values_that_cannot_be_trained_with_are_refused(override, message):
    with pytest.raises(ProtocolError, match=rf"section '{override.split('.')[0]}': {message}"):
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
