"""Constructed runs give the numbers and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pandas
import pytest

from common.results import claims, records, reported
from papers.dan import compare, evidence
from papers.dan.claims import CLAIMS
from papers.dan.conditions import IMAGES, NETWORKS, SHARING
from tests.papers.dan.constructed import (
    CHANNELS,
    DEPLOYED,
    PROVENANCE,
    RECONSTRUCTED,
    REPORTED,
    REPORTED_PATH,
    Images,
    Level,
    everything,
    image_errors,
    image_grids,
    image_meta,
    meta,
    stages,
    write,
)
from tests.papers.dan.small import PAPER


def outcomes(tables):
    return compare.check_claims(tables).set_index("id")["outcome"].to_dict()


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


def test_the_paper_states_settings_and_reports_no_number():
    assert len(reported.results(REPORTED)) == 0
    assert REPORTED["artifact"].value_counts().to_dict() == {"protocol": 27, "code": 18}
    assert (REPORTED.loc[REPORTED["artifact"] == "code", "how_read"] == "author_code").all()
    channels = REPORTED[(REPORTED["quantity"] == "n_channels") & (REPORTED["setting"] == "regression")]
    assert channels["value"].tolist() == [evidence.N_CHANNELS]


def test_the_protocol_has_the_settings_that_the_paper_states():
    rows = REPORTED[REPORTED["artifact"] == "protocol"]
    stated = {tuple(key): value for *key, value in rows[["setting", "quantity", "value"]].itertuples(index=False)}
    regression, of_images = PAPER.regression, PAPER.images
    ours = {
        ("regression", "n_channels"): regression.n_channels,
        ("regression", "learning rate, VECs (theta)"): regression.theta_rate,
        ("regression", "learning rate, DANs (phi)"): regression.phi_rate,
        ("regression", "sub-tasks per function"): regression.tasks,
        ("regression", "updates per sub-task"): regression.steps_per_task,
        ("regression", "input domain upper bound"): regression.domain,
        ("regression", "amplitude upper bound"): regression.amplitude,
        ("regression", "population size M"): regression.population,
        ("regression", "skip layers"): len(regression.skips),
        ("regression", "functions shown"): PAPER.design.shown_functions,
        ("UCIL", "n_channels"): of_images.n_channels,
        ("UCIL", "output layer"): of_images.nodes[-1],
        ("UCIL", "population size M"): of_images.population,
        ("UCIL", "classes per meta-training sequence"): of_images.tasks,
        ("UCIL", "samples per class at deployment"): of_images.images_per_task,
        ("UCIL", "gradient steps per class at deployment"): of_images.steps_per_task,
    }
    assert {key: float(stated[key]) for key in ours} == ours


def test_all_claims_hold_on_runs_like_the_papers():
    found = outcomes(everything())
    assert [claim for claim, outcome in found.items() if outcome != "holds"] == []
    assert list(found) == [f"dan-{number:02d}" for number in range(1, 12)]


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
def test_each_condition_can_make_its_claim_fail(claim, changes):
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
    tables = everything(stages=pandas.concat([rows[rows["network"] != "net0"], ours]))
    checked = claims.check([CLAIMS[3]], tables).iloc[0]
    assert checked["outcome"] == "unclear"
    assert "net0 / net5: 0.280 [0.066, 1.196], n = 3 (claimed below 1)" in checked["detail"]


def test_the_summary_of_ratios_is_that_of_their_logarithms():
    own = evidence.geometric({0: 0.1, 1: 1.0, 2: 10.0})
    assert own.n == 3 and own.mean == pytest.approx(1) and own.sd == pytest.approx(10)
    assert own.ci_low * own.ci_high == pytest.approx(1) and own.ci_low == pytest.approx(
        10 ** (-4.3027 / 3**0.5), rel=1e-4
    )


def test_one_seed_never_decides_a_claim():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    assert set(outcomes({}).values()) == {"not run"}


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
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS) == 11


def hand_worked_stages():
    """Two functions: losses of the second are ten times those of the first, its variance is 2 instead of almost 0.

    A sub-task has a loss of 1, 2, ..., 5 until it is learned, then of 0.1; 0.1 more with each further sub-task.
    """
    rows = []
    for after in range(6):
        for task in range(1, 6):
            loss = 0.1 * (1 + after - task) if task <= after else task * (1 - 0.1 * after)
            for function, (scale, variance) in enumerate([(1, 0.001), (10, 2.0)]):
                rows.append({"network": "net0", "seed": 7, "function": function, "after": after, "task": task})
                rows[-1] |= {"loss": scale * loss, "variance": variance}
    return {"stages": pandas.DataFrame(rows)}


def test_losses_of_deployment_are_as_worked_by_hand():
    tables = hand_worked_stages()
    assert evidence.functions(tables) == 2
    assert evidence.total(tables, "net0", after=0) == {7: pytest.approx(3 * 5.5)}
    assert evidence.total(tables, "net0") == evidence.memory(tables, "net0") == {7: pytest.approx(0.3 * 5.5)}
    assert evidence.memory_at_borders(tables, "net0")[7] == pytest.approx([0.55, 0.825, 1.1, 1.375])
    # 0.3 over the floor of 0.01, and 3 over 2
    assert evidence.normalised_memory(tables, "net0") == {7: pytest.approx((30 + 1.5) / 2)}
    assert evidence.total(tables, "net1") == {}


def test_losses_on_unseen_sub_tasks_are_compared_with_their_own_start():
    """Sub-tasks that are harder from the start do not count as a rise, and no loss can fall by more than all of it."""
    tables = hand_worked_stages()
    last, start = 2 * 0.9 + 3 * 0.8 + 4 * 0.7 + 5 * 0.6, 2 + 3 + 4 + 5
    assert evidence.unseen_ratio(tables, "net0") == {7: pytest.approx(last / start)}
    flat = tables["stages"].assign(loss=lambda rows: rows["task"].astype(float))
    assert evidence.unseen_ratio({"stages": flat}, "net0") == {7: pytest.approx(1)}
    at_once = tables["stages"].assign(loss=lambda rows: rows["loss"].where(rows["after"] == 0, 0.0))
    assert evidence.unseen_ratio({"stages": at_once}, "net0") == {7: 0}
    assert evidence.total_ratio(tables, "net0") == {7: pytest.approx(0.3 / 3)}


def test_meta_training_is_judged_by_its_end_and_its_area():
    losses = [*range(20, 0, -1)]
    log = {"sharing": "network", "n_channels": 40, "seed": 3, "sequence": range(1, 21), "loss": losses}
    tables = {"meta": pandas.DataFrame(log)}
    assert evidence.meta_trained(tables, "network", 40) == {3: 1.5}
    assert evidence.area(tables, "network", 40) == {3: 10.5}
    assert evidence.area(tables, "network", 20) == evidence.meta_trained(tables, "layer", 40) == {}


def test_sharing_is_compared_at_the_channels_that_all_have():
    assert evidence.shared_channels({}) == evidence.shared_channels(everything()) == 40
    fewer = meta().replace({"n_channels": {40: 8}})
    assert evidence.shared_channels({"meta": fewer}) == 8
    assert evidence.swept_channels({"meta": fewer}) == [1, 5, 8, 10, 20]
    assert outcomes(everything(meta=fewer))["dan-07"] == "holds"


@pytest.mark.parametrize("steps", [60, 3])
def test_errors_of_images_are_as_worked_by_hand(steps):
    """The errors are those at the borders of digits, however far apart; of seed 1, all but the first are exact."""
    level = Images(start=1.0, first=0.9, learned=0.2, forgotten=0.01, transfer=0.05)
    rows = image_errors(seeds=2, steps=steps, changes={"both": level})
    tables = {"image_errors": rows[rows["seed"] == 1]}
    assert evidence.image_error(tables, "both", 0) == {1: pytest.approx(1.0)}
    assert evidence.image_error_after_first_step(tables, "both") == {1: pytest.approx(1.01 * 0.9)}
    assert evidence.image_error(tables, "both", 10) == {1: pytest.approx(0.2 + 0.045)}
    assert evidence.image_error(tables, "both", 5, range(5, 10)) == {1: pytest.approx(0.65)}
    assert evidence.digit0_retained(tables, "both") == {1: pytest.approx(0.29 / 0.2)}
    assert evidence.backward_transfer(tables, "both") == {1: pytest.approx(0.01 * 45 / 9)}
    assert evidence.forward_transfer(tables, "both") == {1: pytest.approx(-0.1 - 0.05 * 5)}
    assert evidence.backward_transfer({}, "both") == evidence.forward_transfer({}, "both") == {}


def test_the_mean_image_is_what_reconstructions_have_to_beat():
    """Two pixels, (0, 0) to (9, 9) by digit: their mean is 4.5, its mean squared error 8.25."""
    rows = [
        {"condition": "both", "seed": 2, "shown": shown, "digit": digit, "row": 0, "column": column, "value": value}
        for digit in range(10)
        for column in range(2)
        for shown, value in (("original", digit), ("half", 7), ("all", digit + 0.5))
    ]
    tables = {"image_grids": pandas.DataFrame(rows)}
    assert evidence.mean_image_ratio(tables, "both") == {2: pytest.approx(0.25 / 8.25)}
    assert evidence.mean_image_ratio(tables, "memory") == evidence.mean_image_ratio({}, "both") == {}
    mean = tables["image_grids"].assign(value=lambda rows: rows["value"].where(rows["shown"] != "all", 4.5))
    assert evidence.mean_image_ratio({"image_grids": mean}, "both") == {2: pytest.approx(1)}


def numbers(tables):
    return compare.our_numbers(tables, REPORTED)


def test_every_number_is_there_with_its_spread():
    found = numbers(everything())
    assert set(found["verdict"]) == {"no number reported"} and (found["ours_n"] == 3).all()
    assert not found.duplicated(["artifact", "panel", "quantity", "method", "setting"]).any()
    by_panel = found.groupby(["artifact", "panel"])["method"].agg(set).to_dict()
    assert by_panel["fig4", "TL"] == {network.label for network in NETWORKS.values()}
    assert by_panel["fig4", "BL"] == set(SHARING.values())
    assert by_panel["fig4", "BR"] == {f"n_channels = {channels}" for channels in CHANNELS}
    assert by_panel["fig2", ""] == set(IMAGES.values())
    row = found[found["quantity"] == "largest memory loss at a border of sub-tasks"].iloc[0]
    own = [losses[-1] for losses in evidence.memory_at_borders(everything(), "net0").values()]
    assert row["ours_mean"] == pytest.approx(sum(own) / 3)
    assert row["ours_sem"] == pytest.approx(row["ours_sd"] / 3**0.5)
    assert row["ci_high"] - row["ours_mean"] == pytest.approx(4.3027 * row["ours_sem"], rel=1e-4)  # t, 2 degrees
    assert row["ci_low"] + row["ci_high"] == pytest.approx(2 * row["ours_mean"])
    of_ratios = found[found["unit"] == "ratio"]
    assert (of_ratios["ci_low"] * of_ratios["ci_high"]).tolist() == pytest.approx(
        (of_ratios["ours_mean"] ** 2).tolist()
    )
    for quantity in (
        "total loss, end / start",
        "loss on sub-tasks 2 to 5, right before each is learned / at the start",
    ):
        assert set(found.loc[found["quantity"] == quantity, "method"]) == {own.label for own in NETWORKS.values()}


def test_what_we_have_not_run_is_said_so():
    nothing = numbers({})
    assert set(nothing["verdict"]) == {"not run"} and nothing["ours_mean"].isna().all()
    some = numbers({"stages": stages(changes={"net5": None}), "image_meta": image_meta()})
    run = some[some["ours_n"] > 0]
    assert set(run["artifact"] + run["panel"]) == {"fig2", "fig3", "fig4TL", "fig4TR"}
    assert set(some.loc[some["method"] == NETWORKS["net5"].label, "verdict"]) == {"not run"}
    assert run.loc[run["artifact"] == "fig2", "quantity"].unique().tolist() == ["meta-loss at the end of meta-training"]


def test_a_reported_result_would_not_be_passed_over():
    row = REPORTED.iloc[0].to_dict() | {"artifact": "fig4", "value": 0.1, "margin": 0.1}
    with pytest.raises(ValueError, match=r"reported\.csv: 1 results"):
        compare.our_numbers({}, pandas.DataFrame([row]))


def test_the_command_line_writes_numbers_claims_and_markdown(tmp_path, monkeypatch):
    read = ("meta", "stages", "curves", "image_errors", "image_meta", "image_grids")
    tables = {name: rows for name, rows in everything(image_meta=image_meta(seeds=1)).items() if name in read}
    sources = [write(tmp_path, name, rows, PROVENANCE | {"scale": "smoke"}) for name, rows in tables.items()]
    out = tmp_path / "comparison.csv"
    arguments = f"compare --results {' '.join(map(str, sources))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    compare.main()
    found, checked = records.read_tables(out), records.read_tables(tmp_path / "claims.csv")
    assert set(found["scale"]) == set(checked["scale"]) == {"smoke"}
    statistics = ["ours_mean", "ours_sd", "ours_sem", "ci_low", "ci_high", "ours_n", "verdict"]
    what = ["artifact", "panel", "quantity", "method", "setting", "unit"]
    assert found.columns.tolist() == ["scale", *what, *statistics]
    lines = out.with_suffix(".md").read_text().splitlines()
    assert lines[0] == "- meta: Smoke scale, not a result, 3 seeds, data: MNIST (complete)."
    assert lines[len(read)].startswith("- stages: 50 held-out functions; dan-01 needs 50, dan-03 to dan-06 need 20,")
    assert f"0 of {len(found)} numbers: not run." in lines
    share = "memory loss / variance of the target; after 5 sub-tasks, median over functions"
    value = "0.026 ratio (SD factor 1.01, n = 3) | [0.0254, 0.0267]"
    assert f"| fig3 | net0: meta-trained, shared, fixed: {share} | {value} |" in lines
    once = "memory loss only: meta-loss at the end of meta-training; last tenth of the sequences"
    assert f"| fig2 | {once} | 0.0205 MSE (n = 1) |  |" in lines
    assert sum(line.startswith("| fig") for line in lines) == len(found)
    assert sum(line.startswith("| dan-") for line in lines) == 11
    assert all(line.count("|") == 6 for line in lines if line.startswith("| dan-"))


def test_images_and_functions_may_be_of_different_scales(tmp_path, monkeypatch):
    scales = {name: "desk" if name.startswith("image_") else "paper" for name in everything()}
    sources = [write(tmp_path, name, rows, PROVENANCE | {"scale": scales[name]}) for name, rows in everything().items()]
    out = tmp_path / "comparison.csv"
    arguments = f"compare --results {' '.join(map(str, sources))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    compare.main()
    for table in (records.read_tables(out), records.read_tables(tmp_path / "claims.csv")):
        of_images = table["artifact"] == "fig2"
        assert set(table["scale"][of_images]) == {"desk"} and set(table["scale"][~of_images]) == {"paper"}
