"""Constructed runs give the verdicts and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from common import records, reported
from papers.tsar import compare, recall
from papers.tsar.claims import CLAIMS

REPORTED = Path(compare.__file__).parent / "reported.csv"


def results(n=5, **finals):
    """A table of n seeds per run; finals: treatment_condition=final recall, or (recall after 10 classes, final)."""
    rows = []
    for name, recalls in finals.items():
        treatment, _, condition = name.replace("minus", "-").rpartition("_")
        early, final = recalls if isinstance(recalls, tuple) else (recalls, recalls)
        columns = {"treatment": treatment, "condition": condition, "dataset": "imagenet", "learning_rate": 1e-3}
        for seed in range(n):
            wobble = 0.02 * (seed % 3 - 1)  # a spread in percent, far below every margin
            for classes, percent in ((10, early), (100, final)):
                rows.append({"seed": seed, **columns, "classes": classes, "recall": (percent + wobble) / 100})
    return pandas.DataFrame(rows, columns=recall.COLUMNS)


LIKE_THE_PAPER = {
    "grow_rich": (96, 92.2),
    "sculpt_rich": (89, 57.5),
    "oml_rich": (80, 13.87),
    "scratch_rich": (10, 0.971),
    "grow_scarce": (95, 86),
    "sculpt_scarce": (70, 10),
    "oml_scarce": (60, 1.2),
    "biasminus12_rich": 75,
    "biasminus4_rich": 70,
    "bias4_rich": 40,
}


def verdicts(table):
    numbers = compare.compare_numbers(table, reported.read(REPORTED))
    return numbers[numbers["artifact"] == "fig1"].set_index("method")["verdict"].to_dict()


def test_verdicts_on_constructed_seeds():
    table = results(**LIKE_THE_PAPER | {"sculpt_rich": 64.5, "oml_rich": 15.87})
    assert verdicts(table) == {"Grow": "agrees", "Sculpt": "differs", "OML": "unclear", "Scratch": "agrees"}


def test_better_than_the_paper_differs_too_and_one_seed_is_unclear():
    assert verdicts(results(grow_rich=97))["Grow"] == "differs"
    assert verdicts(results(n=1, grow_rich=92.2)) == {
        "Grow": "unclear",
        "Sculpt": "not run",
        "OML": "not run",
        "Scratch": "not run",
    }


def test_ours_stands_beside_theirs_in_percent():
    numbers = compare.compare_numbers(results(grow_rich=90), reported.read(REPORTED))
    row = numbers[(numbers["artifact"] == "fig1") & (numbers["method"] == "Grow")].iloc[0]
    assert row["ours_mean"] == pytest.approx(90 - 0.004)
    assert row["difference"] == pytest.approx(-2.2 - 0.004)
    assert row["ours_n"] == 5
    assert len(numbers) == len(reported.results(reported.read(REPORTED)))
    assert (numbers.loc[numbers["artifact"] != "fig1", "verdict"] == "not run").all()


def test_scarce_runs_or_fewer_classes_do_not_count_for_panel_a():
    scarce, short = results(grow_scarce=92.2), results(grow_rich=92.2).query("classes < 100")
    assert set(verdicts(scarce).values()) == set(verdicts(short).values()) == {"not run"}


def outcomes(table):
    return compare.check_claims(table).set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    assert outcomes(results(**LIKE_THE_PAPER)) == {f"tsar-0{number}": "holds" for number in range(1, 9)}


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("tsar-01", {"grow_rich": (84, 80)}),
        ("tsar-01", {"grow_rich": (98, 88)}),
        ("tsar-02", {"sculpt_rich": (89, 85)}),
        ("tsar-03", {"sculpt_rich": (70, 57)}),
        ("tsar-03", {"oml_rich": (80, 30)}),
        ("tsar-03", {"scratch_rich": (10, 5)}),
        ("tsar-04", {"sculpt_rich": (89, 93)}),
        ("tsar-04", {"oml_rich": (80, 60)}),
        ("tsar-04", {"oml_rich": (80, 0.5)}),
        ("tsar-05", {"scratch_rich": (10, 2.5)}),
        ("tsar-06", {"grow_scarce": (95, 75)}),
        ("tsar-06", {"sculpt_scarce": (70, 40)}),
        ("tsar-06", {"oml_scarce": (60, 12)}),
        ("tsar-07", {"sculpt_scarce": (70, 60)}),
        ("tsar-08", {"biasminus4_rich": 95}),
        ("tsar-08", {"biasminus12_rich": 95}),
        ("tsar-08", {"sculpt_rich": (89, 85)}),
        ("tsar-08", {"bias4_rich": 65}),
    ],
)
def test_each_condition_can_make_its_claim_fail(claim, changes):
    assert outcomes(results(**LIKE_THE_PAPER | changes))[claim] == "fails"


def test_one_seed_never_decides_a_claim():
    assert set(outcomes(results(n=1, **LIKE_THE_PAPER)).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    without = {name: final for name, final in LIKE_THE_PAPER.items() if name in ("grow_rich", "scratch_rich")}
    found = outcomes(results(**without))
    assert found.pop("tsar-01") == found.pop("tsar-05") == "holds"
    assert set(found.values()) == {"not run"}
    assert set(outcomes(results(grow_rich=90).query("classes < 100")).values()) == {"not run"}


def test_treatments_are_paired_by_seed():
    """Seeds differ by tens of points, and so do treatments' seeds without a partner; the paired gap is clear."""
    rows = [
        {"seed": seed, "treatment": treatment, "condition": "rich", "dataset": "imagenet", "learning_rate": 1e-3}
        | {"classes": 100, "recall": recall_}
        for treatment, recalls in (("grow", (0.9, 0.6, 0.3)), ("sculpt", (0.7, 0.41, 0.1, 0.99)))
        for seed, recall_ in enumerate(recalls)
    ]
    checked = compare.check_claims(pandas.DataFrame(rows)).set_index("id").loc["tsar-02"]
    assert checked["outcome"] == "holds"
    assert "n = 3" in checked["detail"]


def test_claims_have_distinct_names():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)


def test_the_command_line_writes_numbers_claims_and_markdown(tmp_path, monkeypatch):
    records.write_table(tmp_path / "transfer.csv", results(grow_rich=(96, 92.2), sculpt_rich=(89, 64.5)))
    data = [{"name": "imagenet", "description": "stand-in for ImageNet", "completeness": "stand-in"}]
    provenance = {"scale": "smoke", "seeds": list(range(5)), "data": data, "protocol_digests": ["a"]}
    (tmp_path / "transfer.json").write_text(json.dumps(provenance))
    out = tmp_path / "comparison.csv"
    monkeypatch.setattr(
        "sys.argv", f"compare --transfer {tmp_path}/transfer.csv --reported {REPORTED} --out {out}".split()
    )
    compare.main()
    numbers, checked = records.read_tables(out), records.read_tables(tmp_path / "claims.csv")
    assert set(numbers["scale"]) == set(checked["scale"]) == {"smoke"}
    assert (numbers["verdict"] != "not run").sum() == 2
    assert set(checked["outcome"]) <= {"holds", "fails", "unclear", "not run"}
    text = out.with_suffix(".md").read_text()
    assert text.startswith("Smoke scale, not a result, 5 seeds, data: stand-in for ImageNet.")
    rows = [line for line in text.splitlines() if line.startswith("| fig1A | ")]
    assert [line.split(" | ")[-1] for line in rows] == ["agrees |", "differs |"]
    assert "92.2 % (SD 1.1)" in rows[0]
    assert f"{len(numbers) - 2} of {len(numbers)} reported numbers: not run." in text
    assert sum(line.startswith("| tsar-") for line in text.splitlines()) == len(CLAIMS)
