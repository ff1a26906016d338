"""Which figures and tables are published at a scale, and which result is asked for by a name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.results.reported_rows import COLUMNS
from common.running import workflow
from common.running.code import ROOT
from common.running.register import NOT_YET, Artifact, Register
from common.running.workflow import UnknownFigure


def paper(name, comparison=("runs",), **artifacts):
    known = {artifact: Artifact(tables) for artifact, tables in artifacts.items()}
    return Register(name, SimpleNamespace, {}, {}, known, Artifact(comparison))


REGISTERS = {
    "sums": paper("sums", fig1=("runs",), fig2=NOT_YET, fig_more=("runs",), table1=("runs",)),
    "walks": paper("walks", fig1=NOT_YET),
}


def test_published_is_what_the_papers_have_and_can_be_made():
    tables = [f"figures/sums_table1.{ending}" for ending in ("csv", "md", "tex")]
    assert workflow.published(REGISTERS, "smoke") == ["figures/sums_fig1.pdf", *tables]
    assert workflow.comparisons(REGISTERS, "smoke") == ["results/smoke/sums/comparison.csv"]
    assert workflow.published(REGISTERS, "recorded") == workflow.comparisons(REGISTERS, "recorded") == []


@pytest.mark.parametrize(
    ("name", "ending", "path"),
    [
        ("sums_fig1", "png", "results/desk/sums/figures/fig1.png"),
        ("sums_fig_more", "pdf", "results/desk/sums/figures/fig_more.pdf"),
        ("sums_table1", "md", "results/desk/sums/figures/table1.md"),
    ],
)
def test_the_result_behind_a_name(name, ending, path):
    assert workflow.result(REGISTERS, name, "desk", ending) == path


@pytest.mark.parametrize(
    ("name", "ending", "message"),
    [
        ("sums_table1", "pdf", "a table is made as csv, md, tex: ask for figures/sums_table1.csv"),
        ("sums_fig1", "tex", "a figure is made as pdf, png, svg: ask for figures/sums_fig1.pdf"),
        ("sums_tabel1", "csv", "no such figure; did you mean sums_table1?"),
        ("sums_fig2", "pdf", "it cannot be made yet"),
        ("sum_fig1", "pdf", "no such figure; did you mean sums_fig1?"),
        ("other", "pdf", "no such figure."),
        ("s_fig1", "pdf", "did you mean sums_fig1?"),
    ],
)
def test_what_there_is_not_is_refused_with_advice(name, ending, message):
    with pytest.raises(UnknownFigure, match="list_figures") as error:
        workflow.result(REGISTERS, name, "smoke", ending)
    assert message in str(error.value)


def test_what_was_cut_short_is_removed_and_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ends = {"pdf": b"%%EOF\n", "png": b"IEND\xaeB`\x82", "svg": b"</svg>\n", "csv": b"1\n", "md": b"|\n", "tex": b"}\n"}
    places = [("figures", f"sums_{name}1") for name in ("fig", "table")] + [("results/desk/sums/figures", "fig1")]
    made = [(f"{folder}/{name}.{ending}", end) for folder, name in places for ending, end in ends.items()]
    made += [(f"results/desk/sums/{name}.csv", b"1\n") for name in ("comparison", "claims")]
    for path, end in made:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(bytes(9000) + end)
    own = [
        Path(path)
        for path in ("figures/notes.md", "figures/my_fig.txt", "results/desk/sums/runs.csv", "figures/a_fig.pdf")
    ]
    for path in own[:3]:
        path.touch()
    own[3].mkdir()
    workflow.remove_cut_short()
    assert all(Path(path).exists() for path, _ in made) and capsys.readouterr().err == ""
    for content in (b"", bytes(9000)):
        for path, _ in made:
            Path(path).write_bytes(content)
        workflow.remove_cut_short()
        assert not [path for path, _ in made if Path(path).exists()]
        assert capsys.readouterr().err.count("was cut short: it is removed, and made again") == len(made)
    assert all(path.exists() for path in own)


def test_reported_numbers_are_read_before_any_work_and_without_pandas(tmp_path, monkeypatch):
    code = "import sys, common.running.workflow; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    monkeypatch.setattr(workflow, "ROOT", tmp_path)
    registers = {"sums": REGISTERS["sums"]}
    path = tmp_path / "papers/sums/reported.csv"
    with pytest.raises(workflow.ConfigError, match=str(path)):
        workflow.check_reported(registers)
    path.parent.mkdir(parents=True)
    row = "sums,fig1,,accuracy,,,,0.9,,none,,fraction,Figure 1,text,0.01,"
    path.write_text(",".join(COLUMNS) + f"\n{row}\n")
    workflow.check_reported(registers)
    path.write_text(path.read_text() + row.replace("0.9", "much") + "\n")
    with pytest.raises(workflow.ConfigError, match=f"{path}, line 3: column value must be a number, found 'much'"):
        workflow.check_reported(registers)
