"""The answer from constructed tables: counts, captions, cells, and what is refused."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from common.drawing import answer, markdown, report
from common.drawing.answer import Answer, Count
from common.results import reported, tables
from common.running import register
from common.running.register import Artifact, Register
from common.running.sources import Sources
from tests.test_prose import sentences

NUMBER = dict.fromkeys(reported.COLUMNS, "a") | {"artifact": "fig1", "panel": "", "quantity": "accuracy", "x": 10.0}
NUMBER |= {"value": 92.2, "spread": 1.1, "spread_kind": "sd", "n": 5.0, "unit": "%", "margin": 2.2, "scale": "paper"}
NUMBER |= {"ours_mean": 90.25, "ours_sd": 1.5, "ours_n": 3, "ours_diverged": 0, "method": "Ours <b>"}
NUMBER |= {"difference": -1.95, "ci_low": -3.0, "ci_high": 0.5, "verdict": "unclear", "setting": "easy"}
CLAIM = {"scale": "paper", "id": "sums-01", "artifact": "fig1a", "claim": "It works", "outcome": "holds"}
CLAIM |= {"detail": "ours: 3.00 [-1.00, 4.00], n = 3 (claimed above -2); more: 1.00"}
RECORD = {
    "paper": "sums",
    "stage": "train",
    "scale": "paper",
    "seeds": [0, 1, 2],
    "data": [],
    "parts": 1,
    "protocol": {},
}
RECORD |= {"devices": ["cpu"], "wall_seconds": 60, "cpu_seconds": 50, "commits": [], "versions": []}
README = "# Sums: adding up\n\nA. Uthor.\n\n## What came out\n\n**It adds up.** Mostly. Not always.\n\nMore.\n\n"
README += "## What differs from the paper, and why\n\n- Nothing.\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x00\x00\x00\x01\x00"


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """Writes the sources of one paper and reads them; changes: of the rows, and of the files by their names."""

    def write(numbers=(NUMBER,), claims=(CLAIM,), readme=README, values="x\n1\n", docstring="Figure 1: what it shows."):
        known = Register("sums", SimpleNamespace, {}, {}, {"fig1": Artifact(("runs",))}, Artifact(("runs",)))
        known._read["paper"] = {"training": {"epochs": 3}}
        of = Sources(known, "paper")
        for name, content in {
            of.readme: readme,
            of.module("fig1"): f'"""{docstring}"""\n',
            of.values("fig1"): values,
            "results/paper/sums/runs.json": json.dumps(RECORD),
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        (tmp_path / of.picture("fig1")).write_bytes(PNG)
        tables.write(tmp_path / of.numbers, list(numbers))
        tables.write(tmp_path / of.claims, list(claims))
        return Answer(of)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(answer, "ROOT", tmp_path)
    return write


def test_verdicts_are_counted_in_a_fixed_order_and_others_are_refused(paper):
    rows = [NUMBER | {"verdict": verdict} for verdict in ("not run", "agrees", "differs", "agrees")]
    of = paper(numbers=rows, claims=[CLAIM, CLAIM | {"outcome": "fails", "artifact": "table1"}])
    assert of.number_counts == [Count("agrees", 2), Count("differs", 1), Count("not run", 1)]
    assert of.claim_counts == [Count("holds", 1), Count("fails", 1)]
    assert of.shown[0].numbers == of.number_counts and of.shown[0].claims == [Count("holds", 1)]
    assert answer.totals([of, of], "claim_counts") == [Count("holds", 2), Count("fails", 2)]
    with pytest.raises(ValueError, match="knows no verdict 'maybe'"):
        answer.counts(["maybe"], answer.CLAIM_WORDS)


def test_the_front_counts_the_hyperparameters_of_most_runs_alone(paper):
    whose = [{"hyperparameters": "published"}, {"hyperparameters": "own"}]
    of = paper([NUMBER | one for one in whose], [CLAIM | one for one in whose])
    assert of.hyperparameters == ["published", "own"]
    assert of.number_counts == [Count("unclear", 1)] and of.claim_counts == [Count("holds", 1)]
    text = report.text([of])
    assert text.index("### Hyperparameters: published") < text.index("### Hyperparameters: own")


def test_a_paper_that_reports_no_number_has_ours_without_verdicts(paper):
    lacking = ("value", "spread", "spread_kind", "n", "margin", "x", "difference")
    own = {key: value for key, value in NUMBER.items() if key not in lacking} | {"verdict": "no number reported"}
    of = paper(numbers=[own, own | {"ours_n": 0, "verdict": "not run"}])
    assert (of.number_counts, of.own_numbers) == ([], 1)
    assert "none reported, 1 of ours" in report.text([of]) and "The paper reports none. 1 are ours" in report.page([of])


def test_cells_are_those_of_the_comparison_and_sort_by_the_exact_numbers(paper):
    row, lost, missing = report.number_rows(
        paper(
            numbers=[
                NUMBER,
                NUMBER
                | {"ours_n": 0, "ours_diverged": 3, "ours_mean": None, "difference": None, "verdict": "diverged"},
                NUMBER | {"ours_n": 0, "ours_mean": None, "difference": None, "verdict": "not run", "scale": ""},
            ]
        ).numbers
    )
    assert (row["where"], row["quantity"], row["paper"]) == ("Figure 1", "accuracy (10)", ("92.2 %", "SD 1.1"))
    assert (row["ours"], row["difference"]) == (("90.25 %", "SD 1.50, n = 3"), ("−1.95", "[−3.00, +0.50]"))
    assert row["sort"] == {"value": "92.2", "ours_mean": "90.25", "difference": "-1.95", "margin": "2.2"}
    assert lost["ours"] == ("all 3 diverged", "") and lost["sort"]["ours_mean"] == ""
    assert missing["ours"] == ("–", "") and missing["scale"] == ""
    assert report.scale_words("permuted paper, split paper, vision desk") == "paper, desk"


def test_the_text_begins_with_the_answer_then_has_numbers_then_claims(paper):
    text = report.text([paper(claims=[CLAIM | {"detail": "|r|: 1.00"}])])
    order = [
        "| It adds up. |",
        "## Sums: adding up",
        "**It adds up.** Mostly. Not always.",
        "| Figure 1 |",
        "| sums-01 |",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert r"\|r\|: 1.00" in text  # bars that are no borders


class Reader(HTMLParser):
    """Notes tags that are not closed in order, and the ids."""

    EMPTY = ("meta", "link", "img", "input", "br")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], [], []

    def handle_starttag(self, tag, attributes):
        about = dict(attributes)
        self.ids += [about["id"]] if "id" in about else []
        self.links += [about["href"]] if about.get("href", "").startswith("#") else []
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"line {self.getpos()[0]} closes {tag}"


def test_the_page_is_whole_and_escapes_what_it_shows(paper):
    page = report.page([paper()])
    reader = Reader()
    reader.feed(page)
    assert not reader.open and len(reader.ids) == len(set(reader.ids))
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert "Ours &lt;b&gt;" in page and "data:image/png;base64," in page and 'width="256"' in page
    assert not re.search(r'(?:src|href)="(?!#|data:|https://)', page)


def test_a_figure_that_shows_nothing_is_named_as_such(paper):
    of = paper(values="x\n")
    assert not of.shown and of.lacking == [("Figure 1", "What it shows.")]
    assert "nothing was run for them" in report.page([of])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"docstring": "No caption"}, "fig1.py: the docstring must begin as a caption"),
        ({"readme": README.replace("What came out", "Results")}, "has no section 'What came out'"),
    ],
)
def test_what_the_report_lacks_is_said(paper, changes, message):
    with pytest.raises(ValueError, match=message):
        report.page([paper(**changes)])


PAPERS = sorted(path.parent.name for path in register.ROOT.glob("papers/*/runs.py"))


@pytest.mark.parametrize("paper", PAPERS)
def test_every_figure_of_a_paper_has_a_caption_and_its_readme_an_answer_in_three_sentences(paper):
    of = Sources(register.of(paper), "recorded")
    for name in of.known.available():
        title, caption = answer.caption(of.module(name))
        assert re.match(r"Figure \d+$|Table [\dIV]+$|A (figure|table) of ours?( own)?$", title) and len(caption) > 20
    said = markdown.paragraph(markdown.sections((register.ROOT / of.readme).read_text())[answer.ANSWER])
    assert said.startswith("**") and len(sentences(said)) == 3, said


def test_times_have_the_unit_that_fits():
    assert [report.time(hours) for hours in (27.9, 4.21, 0.2, 1 / 3600)] == ["28 h", "4.2 h", "12 min", "1.0 s"]
