"""The protocol refuses what cannot be trained, and finished runs do not depend on which others there are."""

from __future__ import annotations

import pytest

from common.running.protocols import ProtocolError
from papers.synaptic_intelligence import runs
from papers.synaptic_intelligence.protocol import OTHERS, check_condition, strength_of_consolidation
from papers.synaptic_intelligence.runs import REGISTER


def changed(*overrides, scale="paper"):
    return REGISTER.protocol(scale, overrides)


@pytest.mark.parametrize(
    "override, message",
    [
        ("split_mnist.epochs=0", "epochs must be positive, not 0"),
        ("split_mnist.batch=0", "batch must be positive, not 0"),
        ("split_mnist.hidden=[256, 0]", "hidden must be positive, not 0"),
        ("split_mnist.beta2=1.0", r"beta2 must be at least 0 and below 1, not 1\.0"),
        ("split_mnist.learning_rate=0.0", r"learning_rate must be positive, not 0\.0"),
        ("permuted_mnist.tasks=0", "tasks must be positive, not 0"),
        ("permuted_mnist.epochs=-1", "epochs must be positive, not -1"),
        ("permuted_mnist.xi=0.0", r"xi must be positive, not 0\.0"),
        ("permuted_mnist.fisher_images=0", "fisher_images must be positive, not 0"),
        ("permuted_mnist.dropout_rate=1.5", r"dropout_rate must be at least 0 and below 1, not 1\.5"),
        ("cifar.xi=-1.0", r"xi must be positive, not -1\.0"),
        ("cifar.cifar100_tasks=0", "cifar100_tasks must be positive, not 0"),
        ("cifar.channels=[32, 0]", "channels must be positive, not 0"),
        ("cifar.convolution_dropout_rate=-0.1", "convolution_dropout_rate must be at least 0"),
        ("cifar.dense_dropout_rate=1.0", "dense_dropout_rate must be at least 0 and below 1"),
        ("tuning.held_out=0", "held_out must be positive, not 0"),
        ("tuning.sgd_tasks=0", "sgd_tasks must be positive, not 0"),
        ("tuning.ewc_strengths=[1.0, 0.0]", "ewc_strengths must be positive"),
        ("design.split_mnist_seeds=0", "split_mnist_seeds must lie from 1 to 1000, where tuning begins, not 0"),
        ("design.cifar_seeds=1001", "cifar_seeds must lie from 1 to 1000"),
        ("design.split_mnist_conditions=[si-0, ewc]", "split_mnist has no condition 'ewc'; known are si-C"),
        ("design.cifar_conditions=[si-x]", "cifar has no condition 'si-x'; known are si-C, such as si-0.1, scratch"),
    ],
)
def test_values_that_cannot_be_trained_with_are_refused(override, message):
    with pytest.raises(ProtocolError, match=rf"section '{override.split('.')[0]}': {message}"):
        changed(override)


def trained(*overrides):
    """All tables that training and tuning jobs write on a CPU, each with the digest of what its job reads."""

    def digest(stage, **job):
        return REGISTER.settings(stage, "paper", job, overrides).digest

    protocol, digests = changed(*overrides), {}
    for benchmark in runs.BENCHMARKS:
        tables = runs.accuracies(benchmark, protocol, "paper", "cpu")
        digests |= dict.fromkeys(tables, digest("train", benchmark=benchmark))
    tuned = [table for condition in ("ewc", "sgd") for table in runs.tuning(protocol, "paper", condition)]
    return digests | dict.fromkeys(tuned, digest("tune"))


PERMUTED = ["si-0.1", "si-0", "ewc", "dropout", "si-0.02", "si-0.01", "joint", "sgd"]


@pytest.mark.parametrize(
    "override, expected",
    [
        (
            f"design.permuted_mnist_conditions=[{', '.join([*PERMUTED, 'si-0.05'])}]",
            [f"permuted_mnist/si-0.05/seeds{seed}-{seed}" for seed in range(3)],
        ),
        ("design.permuted_mnist_seeds=4", [f"permuted_mnist/{condition}/seeds3-3" for condition in PERMUTED]),
        ("design.cifar_seeds=6", [f"cifar/{c}/seeds5-5" for c in ("si-0", "si-0.01", "si-0.1", "scratch")]),
    ],
    ids=["condition", "seed", "seed of CIFAR"],
)
def test_one_more_condition_or_seed_trains_only_that(monkeypatch, tmp_path, override, expected):
    monkeypatch.chdir(tmp_path)  # where nothing has been trained
    before, after = trained(), trained(override)
    assert before.items() <= after.items()
    added = after.keys() - before.keys()
    assert added == {f"results/paper/synaptic_intelligence/{name}.csv" for name in expected}


def test_the_design_gives_every_benchmark_its_conditions_and_seeds():
    """Figures 3, 4 and 6; smaller scales have fewer seeds and the same conditions."""
    for scale, seeds in (("paper", (10, 3, 5)), ("desk", (5, 3, 3)), ("smoke", (3, 2, 2))):
        design = changed(scale=scale).design
        assert tuple(design.seeds(benchmark) for benchmark in OTHERS) == seeds
        assert [len(design.conditions(benchmark)) for benchmark in OTHERS] == [2, 8, 4]


@pytest.mark.parametrize(
    "benchmark, condition",
    [
        ("permuted_mnist", "growth"),
        ("split_mnist", "si"),
        ("permuted_mnist", "EWC"),
        ("split_mnist", "dropout"),
        ("cifar", "joint"),
    ],
)
def test_a_condition_that_the_benchmark_does_not_have_is_refused(benchmark, condition):
    with pytest.raises(ValueError, match=f"{benchmark} has no condition '{condition}'; known are si-C"):
        check_condition(benchmark, condition)


@pytest.mark.parametrize("condition, c", [("si-0", 0), ("si-0.01", 0.01), ("si-1", 1), ("ewc", None), ("joint", None)])
def test_the_strength_is_in_the_name(condition, c):
    assert strength_of_consolidation(condition) == c
