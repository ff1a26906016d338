"""Constructed runs give the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pandas
import pytest

from common.results import claims
from common.results.arrays import Arrays
from papers.dan.claims import CLAIMS
from tests.papers.dan.constructed import (
    CHANNELS,
    DEPLOYED,
    RECONSTRUCTED,
    Level,
    everything,
    image_errors,
    image_grids,
    meta,
    stages,
    tables,
)

RANDOM = ("net2", "net3", "net4", "net5")


def deployed(**changes):
    return {"stages": stages(changes=changes)}


def trained(**changes):
    """Meta-training with other levels, by n<channels> with one phenotype, or by layer and none."""
    keys = {name: ("network", int(name[1:])) if name[1:].isdigit() else (name, 40) for name in changes}
    return {"meta": meta(changes={keys[name]: level for name, level in changes.items()})}


def images(condition="both", **changes):
    return {"image_errors": image_errors(changes={condition: RECONSTRUCTED["both"]._replace(**changes)})}


def black():
    """Pictures that are black at the end."""
    grids = image_grids()
    return {"image_grids": Arrays(grids.runs, {**grids.values, "all": 0 * grids.values["all"]})}


def outcomes(run):
    return claims.check(CLAIMS, run).set_index("id")["outcome"].to_dict()


FAILING = [
    (1, deployed(net0=Level(0.02, 0.2, 1.2))),
    (2, deployed(net0=DEPLOYED["net0"]._replace(unseen=0.85, drift=0))),  # better than the best constant
    (3, deployed(net0=Level(0.7, 0, 1.2))),
    *((4, deployed(**{name: Level(0.01, 0.001, 1.6)})) for name in RANDOM),
    (5, deployed(net0=Level(0.02, 0.01, 1.2))),  # low, but twice what it was after the first sub-task
    *((5, deployed(**{name: Level(0.01, 0.001, 1.6)})) for name in RANDOM),
    (6, deployed(net1=Level(0.01, 0.001, 1.2))),
    (7, trained(n40=0.9)),
    *((8, trained(**{f"n{fewer}": 0.1})) for fewer in CHANNELS[:-1]),
    (9, images(learned=0.04)),
    (9, black()),  # which does worse than the mean image
    (10, images(forgotten=0.002)),
    (11, images(first=0.15, transfer=0.0)),
    (11, images("random", first=0.09)),
]


@pytest.mark.parametrize(("claim", "changes"), FAILING)
def test_each_finding_can_make_its_claim_fail(claim, changes):
    checked = claims.check([CLAIMS[claim - 1]], everything(**changes))
    assert checked["outcome"].tolist() == ["fails"]


def test_all_claims_hold_on_runs_like_the_papers():
    assert outcomes(everything()) == {claim.id: "holds" for claim in CLAIMS}
    assert [f"dan-{claim:02d}" for claim in dict.fromkeys(claim for claim, _ in FAILING)] == [c.id for c in CLAIMS]


def test_what_is_learned_from_a_start_far_off_is_no_forward_transfer():
    """The loss on unseen sub-tasks falls from eight times the variance to 1.2 times: a constant does better."""
    far = DEPLOYED["net0"]._replace(unseen=8, drift=-0.2125)
    assert claims.check([CLAIMS[1]], everything(**deployed(net0=far)))["outcome"].tolist() == ["holds"]


def test_one_phenotype_need_not_be_the_best_to_minimise():
    assert claims.check([CLAIMS[6]], everything(**trained(layer=0.1, none=0.1)))["outcome"].tolist() == ["holds"]


def test_two_seeds_that_forget_are_said_to_though_their_interval_decides_nothing():
    """Errors 100 and 1,000 times as large as right after learning: the interval of two reaches far below the bound of 2."""
    level = RECONSTRUCTED["both"]._replace(forgotten=0.0)
    errors = image_errors(seeds=2, changes={"both": level})
    after_all = (errors["condition"] == "both") & (errors["step"] == errors["step"].max()) & (errors["digit"] == 0)
    errors.loc[after_all, "loss"] *= errors["seed"].map({0: 100.0, 1: 1000.0})
    checked = claims.check([CLAIMS[9]], everything(image_errors=errors)).iloc[0]
    assert checked["outcome"] == "unclear"
    assert checked["detail"].endswith("n = 2 (claimed below 2), both runs outside: 100.00 and 1,000.00")


def test_ratios_are_judged_on_the_log_scale():
    """Two seeds that are five times better and one that is less: on the raw scale an interval below 1, and below 0."""
    rows = everything()["stages"]
    of_net5 = rows[rows["network"] == "net5"]
    ours = of_net5.assign(network="net0", loss=of_net5["seed"].map({0: 0.2, 1: 0.2, 2: 0.55}) * of_net5["loss"])
    run = everything(stages=pandas.concat([rows[rows["network"] != "net0"], ours]))
    checked = claims.check([CLAIMS[3]], run).iloc[0]
    assert checked["outcome"] == "unclear"
    assert "net0 / net5: 0.280 [0.066, 1.196], n = 3 (claimed below 1)" in checked["detail"]


def test_one_seed_never_decides_a_claim_and_without_runs_it_is_not_run():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}
    assert set(outcomes(tables()).values()) == {"not run"}


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        (deployed(net0=None) | {"image_errors": image_errors(changes={"both": None})}, [*range(1, 7), 9, 10, 11]),
        (deployed(net4=None) | trained(none=None), [4, 5]),
        (trained(n40=None), [7]),
        (deployed(net1=None) | trained(**{f"n{channels}": None for channels in CHANNELS[:-1]}), [6, 8]),
        ({"image_errors": image_errors(changes={"random": None})}, [11]),
        ({"image_grids": image_grids(chosen=("memory", "random"))}, [9]),
        ({"stages": stages(functions=49)}, [1, 2]),  # of the held-out functions that a claim is about
        ({"stages": stages(functions=19)}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_claims_that_lack_something_are_not_run(changes, lacking):
    found = outcomes(everything(**changes))
    assert [name for name, outcome in found.items() if outcome == "not run"] == [f"dan-{n:02d}" for n in lacking]
