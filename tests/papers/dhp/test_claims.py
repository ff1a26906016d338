"""Constructed runs give the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pytest

from common.results import claims, comparison
from papers.dhp import compare
from papers.dhp.claims import CLAIMS, ON_LAMBDA
from papers.dhp.conditions import TASKS
from tests.papers.dhp.constructed import TARGETS, benchmark, eta, everything, given, plasticity, singles, tuned


def outcomes(tables, *numbers):
    """The outcomes of the claims with these numbers, or of all."""
    chosen = [CLAIMS[number - 1] for number in numbers] or CLAIMS
    return claims.check(chosen, tables).set_index("id")["outcome"].to_dict()


def changed(name, **to):
    return {name: benchmark(name, **to)}


def log(**to):
    return {"plasticity": plasticity(**to)}


FAILING = [
    (1, changed("permuted", dhp=(76, -0.19))),
    (2, changed("permuted", dhp_si=(84, -0.1))),
    (2, changed("permuted", dhp_ewc=(86, -0.1))),
    (2, changed("permuted", dhp_mas=(88, -0.1))),
    (3, changed("split", dhp=(90, -0.1))),
    (3, changed("split", dhp_mas=(98, -0.01))),
    (4, changed("split", dhp=(95, -0.02))),
    (4, changed("split", dhp=(96.2, -0.045))),
    (5, changed("permuted", ewc=(89, -0.08))),
    (5, changed("permuted", dhp_ewc=(90, -0.08))),
    (5, changed("imbalanced", dhp_si=(90, -0.05))),
    (6, changed("split", mas=(99.4, 0.0))),
    (6, changed("vision", si=(83, -0.05))),
    (7, changed("permuted", dhp=(82, -0.12))),
    (8, changed("vision", dhp_mas=(80, -0.06))),
    (8, changed("imbalanced", dhp_si=(85, -0.066))),
    (9, changed("imbalanced", dhp_si=(87, -0.05))),
    (10, changed("vision", finetune=(71, -0.2))),
    (10, changed("vision", ewc=(73, -0.2))),
    (11, log(peak=0.004, bump=0)),
    (11, log(peak=0.001, bump=0.01)),  # large enough, but late in the task
    (12, log(decay=1.2)),
    (13, log(bump=0)),
    (14, log(trace=-0.3)),
    (14, log(trace=2)),
    (15, log(alpha=-0.01)),
    (16, {"eta": eta(swept={0.1: 0.3, 0.001: 0.0, 0.0005: 0.1, 0.0001: 0.5})}),
    (17, {"eta": eta(swept={0.1: -9, 0.001: 0.0, 0.0005: 0.1, 0.0001: -3})}),
    (18, changed("permuted", **singles(offset=-0.8))),
]


@pytest.mark.parametrize(("claim", "changes"), FAILING)
def test_each_finding_can_make_its_claim_fail(claim, changes):
    assert list(outcomes(everything(**changes), claim).values()) == ["fails"]


def test_all_claims_hold_on_runs_like_the_papers():
    assert outcomes(everything()) == {claim.id: "holds" for claim in CLAIMS}
    assert [f"dhp-{claim:02d}" for claim in dict.fromkeys(claim for claim, _ in FAILING)] == [c.id for c in CLAIMS]


def test_one_seed_never_decides_a_claim_and_claims_without_runs_are_not_run():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}
    few = {name: benchmark(name, tasks=2) for name in TASKS}
    few |= {"plasticity": plasticity(tasks=2), "eta": eta(tasks=2)}
    for tables in (given({}), given(few)):
        assert set(outcomes(tables).values()) == {"not run"}
    found = outcomes(everything(eta=eta(swept={0.1: 0, 0.001: 1}), permuted=benchmark("permuted", mas=None)))
    lacking = [name for name, outcome in found.items() if outcome == "not run"]
    assert lacking == [f"dhp-{number:02d}" for number in (2, 5, 8, 16, 17, 18)]


@pytest.mark.parametrize(
    ("name", "method", "baseline", "loss", "holds"),
    [
        ("imbalanced", "dhp_si", "si", 0.004, True),  # the one tie of Table I, in its two digits
        ("imbalanced", "dhp", "finetune", 0.004, False),
        ("permuted", "dhp_si", "si", 0.004, False),
        ("split", "dhp_mas", "mas", 0, False),
    ],
)
def test_a_bwt_that_dhp_does_not_raise_is_no_gain_but_in_a_tie_of_table_1(name, method, baseline, loss, holds):
    accuracy, transfer = TARGETS[name][baseline]
    tables = everything(**changed(name, **{method: (accuracy, transfer - loss)}))
    assert (outcomes(tables, 8)["dhp-08"] == "holds") == holds


def test_capacity_is_checked_wherever_the_controls_were_trained():
    both = everything(split=benchmark("split", **singles("split")))
    (detail,) = claims.check([CLAIMS[17]], both)["detail"]
    assert detail.count("Permuted MNIST") == detail.count("Split MNIST") == 4


def test_claims_that_depend_on_a_lambda_are_checked_with_our_own_too():
    tables = everything(permuted=benchmark("permuted", **tuned() | {"dhp_si_tuned": (80, -0.1)}))
    checked = comparison.check_claims(compare, CLAIMS, tables)
    own = checked[checked["hyperparameters"] == "own search"].set_index("id")["outcome"]
    assert list(own.index) == [claim.id for claim in ON_LAMBDA]
    assert own["dhp-02"] == "fails" and own["dhp-03"] == "not run"
