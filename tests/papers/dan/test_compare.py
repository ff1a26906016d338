"""Our numbers with their spread, where the paper reports none."""

from __future__ import annotations

import pytest

from common.results import comparison, reported
from common.results import tables as table_files
from papers.dan import compare, results
from papers.dan.claims import CLAIMS
from papers.dan.conditions import IMAGES, NETWORKS, SHARING
from papers.dan.runs import REGISTER
from tests.papers.dan.constructed import CHANNELS, RECORD, REPORTED, everything, image_meta, stages, tables
from tests.papers.dan.small import PAPER


def test_the_paper_reports_no_number_and_states_settings_that_the_protocol_has():
    assert len(reported.results(REPORTED)) == 0
    assert set(REPORTED["artifact"]) == {"protocol", "code"}
    assert (REPORTED.loc[REPORTED["artifact"] == "code", "how_read"] == "author_code").all()
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
    assert results.N_CHANNELS == regression.n_channels


def test_every_number_is_there_with_its_spread():
    numbers = compare.our_numbers(everything())
    assert set(numbers["verdict"]) == {"no number reported"} and (numbers["ours_n"] == 3).all()
    assert not numbers.duplicated(["artifact", "panel", "quantity", "method", "setting"]).any()
    networks = {look.label for look in NETWORKS.values()}
    by_panel = numbers.groupby(["artifact", "panel"])["method"].agg(set).to_dict()
    assert by_panel["fig4", "TL"] == networks and by_panel["fig2", ""] == set(IMAGES.values())
    assert by_panel["fig4", "BL"] == {look.label for look in SHARING.values()}
    assert by_panel["fig4", "BR"] == {f"n_channels = {channels}" for channels in CHANNELS}
    for quantity in ("total loss, end / start", compare.OF_UNSEEN):
        assert set(numbers.loc[numbers["quantity"] == quantity, "method"]) == networks
    row = numbers[numbers["quantity"] == "largest memory loss at a border of sub-tasks"].iloc[0]
    own = [losses[-1] for losses in results.memory_at_borders(everything(), "net0").values()]
    assert row["ours_mean"] == pytest.approx(sum(own) / 3)
    assert row["ci_high"] - row["ours_mean"] == pytest.approx(4.3027 * row["ours_sem"], rel=1e-4)  # t, 2 degrees
    of_ratios = numbers[numbers["unit"] == "ratio"]
    products = (of_ratios["ci_low"] * of_ratios["ci_high"]).tolist()
    assert products == pytest.approx((of_ratios["ours_mean"] ** 2).tolist())


def test_what_we_have_not_run_is_said_so():
    nothing = compare.our_numbers(tables())
    assert set(nothing["verdict"]) == {"not run"} and nothing["ours_mean"].isna().all()
    some = compare.our_numbers(tables(stages=stages(changes={"net5": None}), image_meta=image_meta()))
    run = some[some["ours_n"] > 0]
    assert set(run["artifact"] + run["panel"]) == {"fig2", "fig3", "fig4TL", "fig4TR"}
    assert set(some.loc[some["method"] == NETWORKS["net5"].label, "verdict"]) == {"not run"}
    assert run.loc[run["artifact"] == "fig2", "quantity"].unique().tolist() == ["meta-loss at the end of meta-training"]


def test_numbers_and_claims_are_written_each_with_the_scale_of_its_own_tables(tmp_path):
    run, out = everything(), tmp_path / "comparison.csv"
    for name in run.records:
        run.records[name] = RECORD | {"scale": "desk" if name.startswith("image_") else "paper"}
    made_from = {name: artifact.tables for name, artifact in REGISTER.artifacts.items()}
    comparison.write(out, compare, CLAIMS, made_from, run, REPORTED)
    for table in (table_files.read(out), table_files.read(tmp_path / "claims.csv")):
        of_images = table["artifact"] == "fig2"
        assert set(table["scale"][of_images]) == {"desk"} and set(table["scale"][~of_images]) == {"paper"}
    lines = out.with_suffix(".md").read_text().splitlines()
    assert any(
        line.startswith("- stages: 50 held-out functions; dan-01 and dan-02 need 50, dan-03 to") for line in lines
    )
    value = "0.026 ratio (SD 1.01, n = 3) | [0.0254, 0.0267]"
    assert any(compare.OF_VARIANCE in line and NETWORKS["net0"].label in line and value in line for line in lines)
