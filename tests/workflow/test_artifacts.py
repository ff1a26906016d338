"""The list of the papers' figures and tables, and which of them the rules offer."""

from __future__ import annotations

import pytest

from common.running.artifacts import UnknownFigure, all_artifacts, available, main, papers_of, published, result


def test_there_are_42_artifacts():
    names = all_artifacts()
    assert len(names) == len(set(names)) == 42
    assert {"tsar_fig19", "sticky_gradient_table3", "synaptic_intelligence_fig6", "dan_fig4", "dhp_table1"} <= set(
        names
    )


def test_available_is_read_off_the_rules():
    outputs = ["results/{scale,smoke|desk}/dhp/figures/fig2.pdf", "results/{scale}/tsar/figures/fig2.png", "data/x.npz"]
    assert available(outputs) == ["dhp_fig2"]


@pytest.mark.parametrize(
    "output, names",
    [
        ("results/{scale}/dhp/figures/{figure,fig1|fig2}.pdf", ["dhp_fig1", "dhp_fig2"]),
        ("results/{scale,smoke|desk}/dhp/figures/{name,table1}.tex", ["dhp_table1"]),
        (
            "results/{scale}/sticky_gradient/figures/{sg_table,table1|table3}.tex",
            ["sticky_gradient_table1", "sticky_gradient_table3"],
        ),
        ("results/{scale}/sticky_gradient/figures/table2.tex", ["sticky_gradient_table2"]),
        ("results/{scale}/dhp/figures/table1.csv", []),  # figures write a CSV too
        ("results/{scale}/dhp/figures/table1.pdf", []),
        ("results/{scale}/dhp/figures/fig1.tex", []),
        ("results/{scale}/dhp/figures/{name,fig1|table1}.pdf", []),
        ("results/{scale}/dan/figures/{si_figure,fig4}.pdf", ["dan_fig4"]),
        ("results/{scale}/dhp/figures/{figure}.pdf", []),  # without a constraint nobody can tell which
        ("results/{scale}/dhp/figures/{figure,fig1|fig2}.png", []),
        ("results/{scale}/dhp/figures/{figure,draft}.pdf", []),
    ],
)
def test_a_rule_may_draw_several_figures(output, names):
    assert available([output]) == names
    assert set(names) <= set(all_artifacts())


def test_papers_of_artifacts():
    assert papers_of(["tsar_fig1", "synaptic_intelligence_fig2", "tsar_fig2"]) == ["synaptic_intelligence", "tsar"]


def test_result_of_a_published_figure():
    offered = ["synaptic_intelligence_fig2"]
    expected = "results/desk/synaptic_intelligence/figures/fig2.png"
    assert result(offered[0], "desk", offered, "png") == expected


def test_a_table_is_three_files():
    assert published(["dan_fig1", "dhp_table1"]) == [
        "figures/dan_fig1.pdf",
        "figures/dhp_table1.csv",
        "figures/dhp_table1.md",
        "figures/dhp_table1.tex",
    ]
    assert result("dhp_table1", "desk", ["dhp_table1"], "md") == "results/desk/dhp/figures/table1.md"


@pytest.mark.parametrize(
    "name, ending, message",
    [
        ("dhp_table1", "pdf", "dhp_table1 is a table: ask for figures/dhp_table1.csv"),
        ("dan_fig1", "tex", "dan_fig1 is a figure: ask for figures/dan_fig1.pdf"),
        ("dhp_tabel1", "csv", "did you mean dhp_table1?"),
    ],
)
def test_another_kind_of_file_is_refused(name, ending, message):
    with pytest.raises(UnknownFigure) as error:
        result(name, "smoke", ["dhp_table1", "dan_fig1"], ending)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "name, message", [("tsar_fig19", "cannot be made yet"), ("tsar_fg2", "no such figure; did you mean tsar_fig2?")]
)
def test_other_figures_are_refused_with_advice(name, message):
    with pytest.raises(UnknownFigure, match="list_figures") as error:
        result(name, "smoke", ["tsar_fig1"], "pdf")
    assert message in str(error.value)


def test_listing_marks_what_can_be_made(capsys):
    main(["tsar_fig1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 43 and lines[-1].startswith("1 of 42")
    assert [line for line in lines if line.startswith("*")] == ["* figures/tsar_fig1.pdf"]
    assert "  figures/dhp_table1.csv" in lines
