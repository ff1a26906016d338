"""Constructed runs give the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pytest

from common.results import claims, comparison
from papers.sticky_gradient import compare
from papers.sticky_gradient.claims import CLAIMS, ON_ACCURACIES
from papers.sticky_gradient.readings import FULL, SEARCHED
from tests.papers.sticky_gradient.constructed import everything, forgetting, permuted, search, shared, tables, weights


def outcomes(run, whose="Table 1"):
    checked = comparison.check_claims(compare, CLAIMS, tables(run))
    return checked[checked["hyperparameters"] == whose].set_index("id")["outcome"].to_dict()


def outcome(number, run, changes=()):
    """The outcome of one claim; changes: of the protocol."""
    (found,) = claims.check([CLAIMS[number - 1]], tables(run, changes=changes))["outcome"]
    return found


def test_all_claims_hold_on_runs_like_the_papers():
    by_id = outcomes(everything(accuracies=permuted(searched=[FULL])))
    assert [claim for claim, found in by_id.items() if found != "holds"] == []
    assert list(by_id) == [f"sticky_gradient-{number:02d}" for number in range(1, len(CLAIMS) + 1)]
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)


def cells(**changes):
    """Accuracies with other matrices: learned and lost per further task, by condition with _ for -."""
    return {"accuracies": permuted(**{name.replace("_", "-"): forgetting(10, *to) for name, to in changes.items()})}


BROAD = [(0.5, -0.1, 0.02), (0.5, 0.1, 0.02)]


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (1, cells(sticky_l1_smart=(0.7, 0.005))),
        (1, cells(ewc=(0.7, 0.005))),
        (2, cells(ewc=(0.8, 0.001))),
        (2, cells(ewc=(0.95, 0.001))),
        (3, cells(sticky_l1_smart=(0.895, 0.0119))),
        (4, cells(ewc=(0.92, 0.012))),
        (4, cells(ewc=(0.8, 0.001))),
        (5, cells(ewc=(0.9, 0.007))),
        (6, cells(ewc=(0.94, 0.016))),
        (6, cells(sticky_l1_smart=(0.94, 0.021))),
        (7, cells(l1=(0.9, 0.001))),
        (8, cells(smart=(0.895, 0.015))),
        (9, cells(sticky_smart=(0.895, 0.013))),
        (9, cells(smart=(0.895, 0.05))),
        (9, cells(sticky_smart=(0.895, 0.026))),
        (10, cells(sticky_smart=(0.98, 0.0187))),
        (10, cells(sticky_l1_smart=(0.7, 0.001))),
        (11, {"shared": shared(crossing=0.3)}),
        (11, {"shared": shared(crossing=0.95)}),
        (12, {"weights": weights(**{FULL: [(0.99, 0.0, 0.012), (0.01, -0.06, 0.01)]})}),
        (12, {"weights": weights(**{FULL: [(0.99, 0.0, 0.012), (0.01, 0.279, 0.01)]})}),
        (13, {"weights": weights(control=BROAD)}),
        (13, {"weights": weights(ewc=[(1.0, 0.05, 0.03)])}),
        (14, {"weights": weights(ewc=[(1.0, 0.0, 0.039)])}),
        (14, {"weights": weights(ewc=BROAD)}),
        (16, {"accuracies": permuted(**{FULL + SEARCHED: forgetting(10, 0.8, 0.02)})}),
        (16, {"accuracies": permuted(searched=[FULL], control=forgetting(10, 0.93, 0.006))}),
        (16, {"accuracies": permuted(searched=[FULL], **{FULL: forgetting(10, 0.7, 0.03)})}),
        (17, {"search": search(lambda_=0.5)}),
        (18, {"weights": weights(**{FULL: [(0.5, 0.279, 0.01), (0.5, 0.0, 0.01)]})}),
    ],
)
def test_each_finding_can_make_its_claim_fail(number, changes):
    assert outcome(number, everything(**changes)) == "fails"


def test_the_plasticity_function_must_dip_steeply():
    assert outcome(15, {}) == "holds"
    assert outcome(15, {}, ["attractor.gamma=1.0"]) == "fails"


def test_fewer_tasks_trials_or_levels_are_not_run_and_one_seed_decides_nothing():
    few = {"accuracies": permuted(tasks=3), "shared": shared(tasks=3), "weights": weights(tasks=3)}
    one_seed = everything(seeds=1, accuracies=permuted(seeds=1, searched=[FULL]))
    for run, expected in ((everything(**few, search=search(trials=3)), "not run"), (one_seed, "unclear")):
        by_id = outcomes(run)
        assert by_id.pop("sticky_gradient-15") == "holds"  # in closed form
        assert set(by_id.values()) == {expected}
    assert outcome(16, everything(accuracies=permuted(searched=[FULL]), search=search(trials=3))) == "not run"
    assert outcome(11, everything(shared=shared(levels=(0.5, 0.6, 0.7)))) == "not run"


def test_claims_on_accuracies_are_checked_with_our_own_search_too():
    own = outcomes(everything(accuracies=permuted(searched=[FULL])), "own search")
    assert list(own) == [claim.id for claim in ON_ACCURACIES]
    assert own["sticky_gradient-01"] == "holds" and own["sticky_gradient-02"] == "fails"
    assert own["sticky_gradient-07"] == "not run"
