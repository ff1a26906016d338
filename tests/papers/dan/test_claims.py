"""Constructed runs give the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pandas
import pytest

from common.results import claims
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


def deployed(**changes):
    return {"stages": stages(changes=changes)}


def trained(**changes):
    """Meta-training with other levels, by n<channels> with one phenotype, or by layer and none."""
    keys = {name: ("network", int(name[1:])) if name[1:].isdigit() else (name, 40) for name in changes}
    return {"meta": meta(changes={keys[name]: level for name, level in changes.items()})}


def images(**changes):
    return {"image_errors": image_errors(changes={"both": RECONSTRUCTED["both"]._replace(**changes)})}


def pictures(factor):
    """Pictures of which, at the end, nothing but a share of the original is put out."""
    grids = image_grids()
    places = ["condition", "seed", "digit", "row", "column"]
    originals = grids[grids["shown"] == "original"].set_index(places)["value"]
    ends = grids["shown"] == "all"
    shares = factor * originals.loc[pandas.MultiIndex.from_frame(grids.loc[ends, places])].to_numpy()
    return {"image_grids": grids.assign(value=grids["value"].where(~ends, pandas.Series(shares, grids.index[ends])))}


def outcomes(run):
    return claims.check(CLAIMS, run).set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    outcome = outcomes(everything())
    assert set(outcome.values()) == {"holds"}
    assert list(outcome) == [f"dan-{number:02d}" for number in range(1, 12)]


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (1, deployed(net0=Level(0.02, 0.2, 1.2))),
        (2, deployed(net0=DEPLOYED["net0"]._replace(drift=-0.05))),
        (3, deployed(net0=Level(0.7, 0, 1.2))),
        *((4, deployed(**{name: Level(0.01, 0.001, 1.6)})) for name in ("net2", "net3", "net4", "net5")),
        (5, deployed(net0=Level(0.02, 0.01, 1.2))),  # low, but twice what it was after the first sub-task
        *((5, deployed(**{name: Level(0.01, 0.001, 1.6)})) for name in ("net2", "net3", "net4", "net5")),
        (6, deployed(net1=Level(0.01, 0.001, 1.2))),
        (7, trained(layer=0.15)),
        (7, trained(none=0.15)),
        *((8, trained(**{f"n{fewer}": 0.1})) for fewer in CHANNELS[:-1]),
        (9, images(learned=0.04)),
        (9, pictures(0.0)),  # black does worse than the mean image
        (10, images(forgotten=0.002)),
        (11, images(first=0.15, transfer=0.0)),
        (11, {"image_errors": image_errors(changes={"random": RECONSTRUCTED["both"]._replace(first=0.09)})}),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, changes):
    checked = claims.check([CLAIMS[claim - 1]], everything(**changes))
    assert checked["outcome"].tolist() == ["fails"]


def test_one_phenotype_may_be_a_tenth_worse():
    assert claims.check([CLAIMS[6]], everything(**trained(layer=0.195)))["outcome"].tolist() == ["holds"]


def test_ratios_are_judged_on_the_log_scale():
    """Two seeds that are five times better and one that is less: on the raw scale an interval below 1, and below 0."""
    rows = everything()["stages"]
    factors = rows["seed"].map({0: 0.2, 1: 0.2, 2: 0.55})
    of_net5 = rows[rows["network"] == "net5"]
    ours = of_net5.assign(network="net0", loss=factors.loc[of_net5.index] * of_net5["loss"])
    run = everything(stages=pandas.concat([rows[rows["network"] != "net0"], ours]))
    checked = claims.check([CLAIMS[3]], run).iloc[0]
    assert checked["outcome"] == "unclear"
    assert "net0 / net5: 0.280 [0.066, 1.196], n = 3 (claimed below 1)" in checked["detail"]


def test_one_seed_never_decides_a_claim():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    assert set(outcomes(tables()).values()) == {"not run"}


def not_run(**changes):
    return {name for name, outcome in outcomes(everything(**changes)).items() if outcome == "not run"}


def test_claims_that_lack_a_network_a_sharing_or_a_condition_are_not_run():
    assert not_run(**deployed(net0=None)) == {f"dan-{number:02d}" for number in range(1, 7)}
    assert not_run(**deployed(net1=None)) == {"dan-06"}
    assert not_run(**deployed(net4=None)) == {"dan-04", "dan-05"}
    assert not_run(**trained(none=None)) == {"dan-07"}
    assert not_run(**trained(**{f"n{channels}": None for channels in CHANNELS[:-1]})) == {"dan-08"}
    assert not_run(image_errors=image_errors(changes={"both": None})) == {"dan-09", "dan-10", "dan-11"}
    assert not_run(image_errors=image_errors(changes={"random": None})) == {"dan-11"}
    assert not_run(image_grids=image_grids(chosen=("memory", "random"))) == {"dan-09"}


def test_claims_need_the_functions_that_they_are_about():
    assert not_run(stages=stages(functions=49)) == {"dan-01"}
    assert not_run(stages=stages(functions=19)) == {"dan-01", *(f"dan-{number:02d}" for number in range(3, 7))}


def test_claims_have_distinct_predicates():
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)
