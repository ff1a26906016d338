"""What is said once of a stage or a figure decides what it may read, what makes it again, and where its tables lie."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest
from snakemake.iocontainers import Wildcards

from common.running import protocols, register
from common.running.protocols import ProtocolError
from common.running.register import NOT_YET, Artifact, Register, Stage


@dataclass(frozen=True)
class Training:
    rate: float
    epochs: int


@dataclass(frozen=True)
class Design:
    seeds: int
    reading: str


@dataclass(frozen=True)
class Protocol:
    training: Training
    tuning: Training
    design: Design


SETTINGS = "{paper: {rate: 0.5, epochs: 20}, smoke: {epochs: 1}}"
YAML = f"training: {SETTINGS}\ntuning: {SETTINGS}\ndesign: {{paper: {{seeds: 5, reading: sum}}, smoke: {{seeds: 2}}}}\n"


def parts(name):
    return lambda protocol, scale, device: [
        f"results/{scale}/a_paper/{name}/{device}_{n}.csv" for n in range(protocol.design.seeds)
    ]


REGISTER = Register(
    paper="a_paper",
    schema=Protocol,
    stages={
        "train": Stage(reads=lambda job: (job["benchmark"], "design.reading")),
        "walk": Stage(reads=("training.rate",)),
        "diagram": Stage(),
    },
    tables={"runs": parts("runs"), "walks": parts("walks")},
    artifacts={
        "fig1": Artifact(tables=("runs",)),
        "fig2": Artifact(tables=("runs", "walks"), reads=("design.reading",)),
        "fig3": Artifact(tables=NOT_YET),
        "fig_more": Artifact(tables=("walks",)),
        "table1": Artifact(tables=("walks",)),
    },
    comparison=Artifact(tables=("runs", "walks"), reads=("design",)),
)
MODULES = ["train", "walk", "diagram", "results", "compare", "claims", "figures/fig1", "figures/fig2"]
SHARED = ["results/comparison", "results/stamps", "drawing/plotting", "drawing/typeset"]


@pytest.fixture
def paper(write):
    """Returns the paper's register as it is after changes to files of its folder."""
    for file in (*(f"papers/a_paper/{module}.py" for module in MODULES), *(f"common/{module}.py" for module in SHARED)):
        write(file, f"name = {file!r}\n")
    write("papers/a_paper/protocol.yaml", YAML)

    def read_anew(changes=None):
        for file, text in (changes or {}).items():
            write(f"papers/a_paper/{file}", text)
        return dataclasses.replace(REGISTER, _read={})

    return read_anew


def digests(paper_register, scale="smoke"):
    """Return what makes each stage and artifact again."""
    wildcards = Wildcards(fromdict={"scale": scale, "benchmark": "training"})
    of_stages = {name: paper_register.depends(name)(wildcards) for name in paper_register.stages}
    made = ("fig1", "fig2", "comparison")
    return of_stages | {name: paper_register.artifact_depends(name, scale) for name in made}


def changed(paper, changes, scale="smoke"):
    """Return the stages and artifacts that changed files make again."""
    before, after = digests(paper(), scale), digests(paper(changes), scale)
    return {name for name in before if before[name] != after[name]}


def test_a_stage_sees_what_it_says_it_reads_of_each_job(paper):
    settings = paper().settings("train", "smoke", {"benchmark": "tuning"})
    assert (settings.tuning.epochs, settings.design.reading) == (1, "sum")
    for read in (lambda: settings.training, lambda: settings.design.seeds):
        with pytest.raises(ProtocolError, match="stage 'train' of a_paper does not say that it reads"):
            read()
    overridden = paper().settings("train", "smoke", {"benchmark": "tuning"}, ["tuning.epochs=7"])
    assert overridden.tuning.epochs == 7 and overridden.digest != settings.digest
    assert paper().settings_of("fig2", "paper").as_dict() == {"design": {"reading": "sum"}}
    assert paper().settings_of("comparison", "recorded").design.seeds == 5  # of kept runs: the paper's scale


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("training: {paper: {rate: 0.5", "training: {paper: {rate: 0.25", {"train", "walk"}),
        ("epochs: 1}}\ntuning", "epochs: 2}}\ntuning", {"train"}),
        ("\ntuning: {paper: {rate: 0.5", "\ntuning: {paper: {rate: 0.25", set()),
        ("reading: sum", "reading: mean", {"train", "fig2", "comparison"}),
        ("smoke: {seeds: 2}", "smoke: {seeds: 3}", {"comparison"}),
        ("seeds: 5", "seeds: 6", set()),  # of another scale
        ("\ntuning", "  # a word\ntuning", set()),
    ],
)
def test_a_value_makes_again_what_reads_it(paper, old, new, again):
    assert YAML.count(old) == 1
    assert changed(paper, {"protocol.yaml": YAML.replace(old, new)}) == again


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("train.py", {"train"}),
        ("figures/fig1.py", {"fig1"}),
        ("results.py", {"fig1", "fig2", "comparison"}),
        ("claims.py", {"comparison"}),
        ("compare.py", {"comparison"}),
        ("../../common/drawing/plotting.py", {"fig1", "fig2"}),
        ("../../common/results/stamps.py", {"fig1", "fig2"}),
        ("../../common/results/comparison.py", {"comparison"}),
    ],
)
def test_code_makes_again_what_runs_it(paper, file, again):
    assert changed(paper, {file: "name = 'other'\n"}) == again


def test_tables_lie_where_their_parts_say(paper):
    found = paper()
    assert found.parts("walks", "smoke", "cpu") == [f"results/smoke/a_paper/walks/cpu_{n}.csv" for n in (0, 1)]
    assert found.inputs("fig2", "desk") == ["results/desk/a_paper/runs.csv", "results/desk/a_paper/walks.csv"]
    assert found.available() == ["fig1", "fig2", "fig_more", "table1"]
    assert found.seeds("walks", "smoke") == found.seeds("diagram", "smoke") == 0  # of no seeds, and of no parts
    assert found.drawable("smoke") == ["fig1", "fig2", "table1"]  # what the paper has


def test_fewer_seeds_are_the_first_ones_and_what_reads_no_number_of_seeds_stays(paper):
    fewer = paper().with_seeds(1)
    assert fewer.parts("walks", "paper", "cpu") == ["results/paper/a_paper/walks/cpu_0.csv"]
    assert len(paper().with_seeds("all").parts("walks", "paper", "cpu")) == 5
    assert len(paper().with_seeds(9).parts("walks", "paper", "cpu")) == 5  # at most
    assert {name: made for name, made in digests(fewer).items() if digests(paper())[name] != made}.keys() == {
        "comparison"
    }


def test_at_recorded_scale_one_kept_table_is_enough(paper):
    assert paper().drawable("recorded") == []
    with pytest.raises(FileNotFoundError, match=r"a_paper_fig2 needs papers/a_paper/recorded/runs\.csv, but no such"):
        paper().inputs("fig2", "recorded")
    found = paper({"recorded/runs.csv": "seed\n0\n"})
    assert found.drawable("recorded") == ["fig1", "fig2"]
    assert found.inputs("fig2", "recorded") == ["results/recorded/a_paper/runs.csv"]


def test_a_setting_that_kept_runs_did_not_have_makes_again_what_is_drawn_from_them(paper):
    """Their stamp names it. What they had, or what they did not read, makes nothing again."""
    settings = {"training": {"rate": 0.5, "epochs": 13}}
    record = {"paper": "a_paper", "stage": "train", "scale": "paper", "seeds": [0], "data": [], "protocol": settings}
    found = paper({"recorded/runs.csv": "seed\n0\n", "recorded/runs.json": json.dumps(record)})
    assert found.departures(record) == {"training.epochs": (13, 20)}
    own, others = YAML.split("tuning", 1)
    for changes, again in (
        ((own.replace("epochs: 20", "epochs: 30"), others), {"fig1", "fig2", "comparison"}),
        ((own, others.replace("epochs: 20", "epochs: 30")), set()),
    ):
        before = {name: paper().artifact_depends(name, "recorded") for name in ("fig1", "fig2", "comparison")}
        later = paper({"protocol.yaml": "tuning".join(changes)})
        assert {name for name in before if later.artifact_depends(name, "recorded") != before[name]} == again
        paper({"protocol.yaml": YAML})
    (register.ROOT / "papers/a_paper/recorded/runs.json").write_text("{")  # which the job refuses
    assert paper().artifact_depends("fig1", "recorded")


def test_a_protocol_is_read_once_unless_overridden(paper, monkeypatch):
    found, calls, real = paper(), [], protocols.read
    monkeypatch.setattr(register.protocols, "read", lambda *given: calls.append(given) or real(*given))
    assert found.protocol("paper") is found.protocol("recorded") is found.protocol("paper") and len(calls) == 1
    assert found.protocol("paper", ["design.seeds=9"]).design.seeds == 9 and found.protocol("paper").design.seeds == 5


def test_the_list_names_what_can_be_made(paper, monkeypatch, capsys):
    monkeypatch.setattr(register, "of", lambda name: paper())
    register.main(["a_paper"])
    assert capsys.readouterr().out.splitlines() == [
        "* figures/a_paper_fig1.pdf",
        "* figures/a_paper_fig2.pdf",
        "  figures/a_paper_fig3.pdf",
        "* figures/a_paper_fig_more.pdf   (an addition of ours)",
        "* figures/a_paper_table1.csv",
        "3 of the papers' 4 figures and tables can be made now, those marked *",
    ]
