"""Constructed runs give the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pytest

from common.results import claims
from papers.synaptic_intelligence.claims import CLAIMS
from tests.papers.synaptic_intelligence.constructed import (
    CIFAR_PLAIN,
    CIFAR_SI,
    GROWING,
    SPLIT_PLAIN,
    ending,
    everything,
    forgetting,
    from_scratch,
    tables,
    uniform,
)


def outcomes(run):
    return claims.check(CLAIMS, tables(**run)).set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    found = outcomes(everything())
    assert [claim for claim, outcome in found.items() if outcome != "holds"] == []
    assert list(found) == [claim.id for claim in CLAIMS]
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)


def changed(final, task, accuracy):
    return ending([accuracy if place == task else value for place, value in enumerate(final, start=1)])


SUDDEN = [*forgetting(5, 0.97, 0), *[[0.95] * 10] * 5]


@pytest.mark.parametrize(
    ("claim", "table", "of", "instead"),
    [
        (1, "split_mnist", "si-1", forgetting(5, 0.98, 0.01)),
        (2, "split_mnist", "si-0", forgetting(5, 0.99, 0.01)),
        (2, "split_mnist", "si-1", forgetting(5, 0.82, 0.0)),
        (3, "split_mnist", "si-0", [*SPLIT_PLAIN[:4], [0.81, 0.58, 0.92, 0.98, 1]]),
        (3, "split_mnist", "si-0", [*SPLIT_PLAIN[:4], [0.5, 0.3, 0.92, 0.98, 1]]),
        (4, "split_mnist", "si-1", forgetting(5, 0.95, 0)),
        (5, "permuted_mnist", "si-0.1", forgetting(10, 0.983, 0.02)),
        (6, "permuted_mnist", "si-0", forgetting(10, 0.983, 0.02)),
        (7, "permuted_mnist", "si-0.1", forgetting(10, 0.983, 0.01)),
        (7, "permuted_mnist", "si-0.1", SUDDEN),
        (8, "permuted_mnist", "si-0.1", forgetting(10, 0.983, 0.006)),
        (9, "permuted_mnist", "si-0.1", forgetting(10, 0.93, 0.001)),
        (10, "permuted_mnist", "ewc", forgetting(10, 0.983, 0.02)),
        (10, "permuted_mnist", "si-0.1", forgetting(10, 0.92, 0.001)),
        (11, "permuted_mnist", "sgd", forgetting(10, 0.983, 0.02)),
        (11, "permuted_mnist", "dropout", forgetting(10, 0.983, 0.02)),
        (12, "permuted_mnist", "si-0.02", forgetting(10, 0.983, 0.016)),
        (13, "correlations", "si-0, 1", uniform(0.2)),
        (13, "correlations", "si-0.1, 1", uniform(0.2)),
        (14, "correlations", "si-0.1, 2", GROWING),
        (14, "correlations", "si-0, 2", {pair: 1 - r for pair, r in GROWING.items()}),
        (15, "correlations", "si-0.1, 2", uniform(0.3)),
        (16, "cifar", "si-0.01", changed(CIFAR_SI, 4, 0.6)),
        (17, "cifar", "si-0", changed(CIFAR_PLAIN, 1, 0.9)),
        (18, "cifar", "si-0.01", changed(CIFAR_SI, 5, 0.6)),
        (18, "cifar", "si-0.01", changed(CIFAR_SI, 6, 0.9)),
        (19, "cifar", "si-0.01", changed(CIFAR_SI, 4, 0.7)),
        (19, "cifar", "si-0.01", changed(CIFAR_SI, 1, 0.9)),
        (20, "cifar", "scratch, train", from_scratch([0.99] * 5 + [0.8])),
        (21, "theory", "21, quadratic, excess over the loss drop", 0.1),
        (21, "theory", "21, small network, excess over the loss drop", -0.1),
        (22, "theory", "22, relative Frobenius error", 0.08),
        (23, "theory", "23, rank one, correlation", 0.9),
        (23, "theory", "23, diagonal, constant", 1.0),
        (24, "theory", "24, mini-batches, excess over the loss drop", -0.1),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, table, of, instead):
    checked = claims.check([CLAIMS[claim - 1]], tables(**everything(**{table: {of: instead}})))
    assert checked["outcome"].tolist() == ["fails"]


def test_one_seed_decides_nothing_and_fewer_tasks_are_not_run():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}
    assert set(outcomes({}).values()) == {"not run"}
    few = everything()
    for name in ("permuted_mnist", "cifar"):
        few[name] = few[name].query("task <= 3 and after_task <= 3")
    few["correlations"] = few["correlations"].query("task <= 3 and other_task <= 3")
    del few["theory"]
    found = outcomes(few)
    assert [claim for claim, outcome in found.items() if outcome != "not run"] == list(found)[:4]
