"""Protocols whose values cannot be, or do not go together, are refused before any work; what is searched for lambda."""

from __future__ import annotations

import pytest

from common.running import protocols
from papers.dhp import data, runs
from papers.dhp.protocol import CONDITIONS, METHODS, SETS, Condition, condition
from papers.dhp.runs import REGISTER
from tests.papers.dhp.small import PAPER


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("tuning.held_out=60000", "section 'tuning', scale 'paper': held_out must be below the 60000 training images"),
        ("tuning.mas=[1.0, 0.0]", "mas must be positive, not"),
        ("design.seeds=1001", "seeds must lie from 1 to 1000, where tuning begins, not 1001"),
        ("design.eta_seeds=1001", "eta_seeds must lie from 1 to 1000"),
        (
            "design.conditions=[finetune, dph]",
            "section 'design', scale 'paper': unknown condition 'dph'; known are finetune, dhp, si",
        ),
        ("design.controls=[finetune-tuned]", "unknown condition 'finetune-tuned'"),
        ("optimizers.momentum=0", "section 'optimizers', scale 'paper': momentum must be positive, not 0"),
        ("optimizers.adam_learning_rate=0", "adam_learning_rate must be positive, not 0"),
        ("design.etas=[0.1, 0.0]", "etas must be positive, not"),
        ("split.learning_rate=0", "learning_rate must be positive, not 0"),
        ("vision.sets=[mnist, omniglot]", "unknown data set 'omniglot'; known are mnist, notmnist"),
        ("vision.kernel=99", "kernel: 99 leaves nothing of images of 32x32 in two convolutions"),
        ("vision.kernel=13", "kernel: 13 leaves nothing"),
    ],
)
def test_what_cannot_be_is_refused_when_the_protocol_is_read(change, says):
    with pytest.raises(protocols.ProtocolError, match=says):
        REGISTER.protocol("paper", [change])


def test_names_and_bounds_are_those_of_the_code():
    assert REGISTER.protocol("paper", ["design.seeds=1000"]).design.seeds == 1000  # all but the tuning ones
    assert set(SETS) == set(data.STATISTICS)
    assert set(METHODS) == set(PAPER.design.conditions) < set(CONDITIONS)
    assert set(PAPER.design.controls) < set(CONDITIONS)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("finetune", Condition()),
        ("dhp", Condition(plastic=True)),
        ("dhp-mas-tuned", Condition(plastic=True, consolidation="mas", tuned=True)),
        ("mas-single", Condition(consolidation="mas", single=True)),
        ("dhp-ewc-adam", Condition(plastic=True, consolidation="ewc", optimizer="adam")),
        ("dhp-mas-bounded", Condition(plastic=True, consolidation="mas", bounded=True)),
        ("dhp-narrow-momentum", Condition(plastic=True, optimizer="momentum", narrow=True)),
        ("si-standardised", Condition(consolidation="si", standardised=True)),
        ("dhp-mas-batch", Condition(plastic=True, consolidation="mas", importance="batch")),
        ("ewc-standardised-unscaled", Condition(consolidation="ewc", standardised=True, importance="unscaled")),
    ],
)
def test_a_condition_is_what_its_name_says(name, what):
    assert condition(name) == what


def test_every_condition_has_a_name_of_its_own_and_a_meaning_of_its_own():
    assert len(set(CONDITIONS)) == len({condition(name) for name in CONDITIONS}) == len(CONDITIONS)


@pytest.mark.parametrize(
    "name",
    ["", "DHP", "sgd", "dhp-finetune", "finetune-tuned", "dhp-tuned", "dhp-single", "dhp-ewc-single", "ewc-dhp"]
    + ["ewc-tuned-single", "ewc-bounded", "si-0.1", "dhp-sgd", "si-tuned-adam", "adam", "dhp-", "ewc "]
    + ["si-batch", "finetune-standardised-batch", "mas-unscaled", "mas-batch-standardised"],
)
def test_another_condition_is_refused_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=f"unknown condition '{name}'; known are finetune, dhp, si, ewc, mas, dhp-si"):
        condition(name)


@pytest.mark.parametrize(
    ("benchmark", "name", "values"),
    [
        ("permuted", "ewc-tuned", ["1", "10", "100", "1000"]),
        ("imbalanced", "dhp-ewc-tuned", ["1", "10", "100", "400", "1000"]),
        ("split", "mas-tuned", ["0.01", "0.1", "1", "1.5", "10"]),
        ("split", "mas", []),
        ("split", "dhp", []),
    ],
)
def test_the_search_tries_each_benchmarks_published_value_once(benchmark, name, values):
    method = condition(name).consolidation
    expected = [f"results/paper/dhp/tune/{benchmark}_{method}_{value}.csv" for value in values]
    assert runs.tuning(PAPER, "paper", benchmark, name) == expected
    assert set(expected) <= set(runs.searches(PAPER, "paper", "cpu"))


@pytest.mark.parametrize(
    ("job", "reads"),
    [
        ({"benchmark": "split", "condition": "dhp-adam"}, ["split", "optimizers"]),
        ({"benchmark": "permuted", "condition": "dhp"}, ["permuted", "design.log_every"]),
        ({"benchmark": "permuted", "condition": "dhp-standardised"}, ["permuted", "design.log_every"]),
        ({"benchmark": "permuted", "condition": "dhp-mas-standardised-batch"}, ["permuted"]),
        ({"benchmark": "permuted", "condition": "dhp", "eta": 0.1}, ["permuted"]),
        ({"benchmark": "permuted", "eta": "0.1"}, ["permuted"]),
        ({"benchmark": "vision", "condition": "dhp", "plasticity": True}, ["vision", "design.log_every"]),
    ],
)
def test_training_reads_how_often_to_log_only_where_it_logs(job, reads):
    assert runs.read_by_training(job) == reads
