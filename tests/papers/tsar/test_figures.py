"""Figure 1 draws the means of the table it is given, the paper's numbers, and says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from common import records, reported
from papers.tsar import figures, model, recall

REPORTED = Path(figures.__file__).parent / "reported.csv"
CLASSES = (1, 10, 100)
IMAGENET = {"name": "imagenet", "description": "ImageNet: 100 classes", "completeness": "complete"}
PROVENANCE = {"scale": "paper", "seeds": [0, 1, 2], "data": [IMAGENET], "protocol_digests": ["a"]}


def runs(treatment, condition, *finals):
    """Rows of one run per final recall (in percent), which falls from 100 % over 98 % to that."""
    columns = {"treatment": treatment, "condition": condition, "dataset": "imagenet", "learning_rate": 1e-3}
    return [
        {"seed": seed, **columns, "classes": classes, "recall": percent / 100}
        for seed, final in enumerate(finals)
        for classes, percent in zip(CLASSES, (100, 98, final), strict=True)
    ]


def table(*parts):
    return pandas.DataFrame([row for part in parts for row in part], columns=recall.COLUMNS)


def draw(results, provenance=PROVENANCE):
    return figures.fig1(results, reported.read(REPORTED), provenance)


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def diamonds(axis):
    found = [container.lines[0] for container in axis.containers if container.lines[0].get_marker() == "D"]
    return [(*line.get_xdata(), *line.get_ydata()) for line in found if len(line.get_xdata())]


EVERYTHING = table(
    runs("grow", "rich", 88, 90, 92),
    runs("sculpt", "rich", 50, 60),
    runs("oml", "rich", 14),
    runs("scratch", "rich", 1, 1, 1),
    runs("grow", "scarce", 80, 84, 88),
    runs("bias-12", "rich", 70, 74),
    runs("bias4", "rich", 20, 22, 24),
)


def test_plotted_values_are_means_and_sds_in_percent():
    values = figures.fig1_values(EVERYTHING).set_index(["panel", "treatment", "x"])
    assert values.loc[("A", "grow", 100)].tolist() == ["rich", pytest.approx(90), pytest.approx(2), 3]
    assert values.loc[("A", "grow", 10)].tolist() == ["rich", pytest.approx(98), pytest.approx(0), 3]
    assert values.loc[("B", "grow", 100)].tolist() == ["scarce", pytest.approx(84), pytest.approx(4), 3]
    assert values.loc[("B", "scratch", 100)].tolist() == ["rich", pytest.approx(1), pytest.approx(0), 3]
    assert values.loc[("A", "oml", 100), "mean"] == pytest.approx(14)
    assert pandas.isna(values.loc[("A", "oml", 100), "sd"])
    sweep = values.loc["C"].reset_index()
    assert sweep["x"].tolist() == [-12, -8, 0, 4]
    assert sweep["treatment"].tolist() == ["bias-12", "grow", "sculpt", "bias4"]
    assert sweep["mean"].tolist() == pytest.approx([72, 90, 55, 22])
    assert len(values) == 4 * 3 + 2 * 3 + 4


def test_lines_are_the_plotted_values():
    panel_a, panel_b, panel_c = draw(EVERYTHING).axes
    values = figures.fig1_values(EVERYTHING)
    for panel, axis in (("A", panel_a), ("B", panel_b)):
        lines = {line.get_label(): line for line in axis.lines}
        for treatment, rows in values[values["panel"] == panel].groupby("treatment"):
            line = lines[f"{recall.LABELS[treatment]} (n = {rows['n'].iloc[0]})"]
            assert list(line.get_xdata()) == rows["x"].tolist()
            assert list(line.get_ydata()) == pytest.approx(rows["mean"].tolist())
            assert line.get_color() == figures.COLORS[treatment]
    means = {
        line.get_xdata()[0]: line.get_ydata()[0]
        for line in panel_c.lines
        if line.get_marker() == "o" and len(line.get_xdata())
    }
    assert means == pytest.approx({-12: 72, -8: 90, 0: 55, 4: 22})
    dots = sorted(value for line in panel_c.lines if line.get_marker() == "." for value in line.get_ydata())
    assert dots == pytest.approx([20, 22, 24, 50, 60, 70, 74, 88, 90, 92])


def test_the_papers_numbers_are_in_panel_a_alone():
    panel_a, panel_b, panel_c = draw(EVERYTHING).axes
    assert diamonds(panel_a) == [(100, 92.2), (100, 57.5), (100, 13.87), (100, 0.971)]
    assert diamonds(panel_b) == diamonds(panel_c) == []
    assert "paper (mean, SD)" in legend(panel_a)


def test_every_panel_says_how_many_runs_and_what_chance_is():
    panel_a, panel_b, panel_c = draw(EVERYTHING).axes
    assert legend(panel_a)[:4] == ["Grow (n = 3)", "Sculpt (n = 2)", "OML (n = 1)", "Scratch (n = 3)"]
    assert legend(panel_b)[:2] == ["Grow (n = 3)", "Sculpt: no runs at this scale"]
    assert legend(panel_c)[:3] == ["Grow, bias -8 (n = 3)", "Sculpt, bias 0 (n = 2)", "other biases (n = 2 to 3)"]
    for axis in (panel_a, panel_b, panel_c):
        assert legend(axis)[-1] == "chance after 100 classes (1 %)"
        assert any(list(line.get_ydata()) == [1, 1] and line.get_linestyle() == ":" for line in axis.lines)


def test_a_panel_without_runs_says_so():
    _, panel_b, panel_c = draw(table(runs("oml", "rich", 14, 15))).axes
    for axis in (panel_b, panel_c):
        assert [text.get_text() for text in axis.texts] == ["no runs at this scale"]
    panel_c = draw(table(runs("grow", "rich", 90, 91))).axes[2]
    assert "other biases: no runs at this scale" in legend(panel_c)


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_the_stamp_is_the_provenance(scale):
    figure = draw(EVERYTHING, PROVENANCE | {"scale": scale})
    (stamp,) = [text for text in figure.texts if text.get_gid() == "stamp"]
    words = " ".join(stamp.get_text().split())
    assert words.startswith(f"{scale.capitalize()} scale")
    assert "3 seeds" in words
    assert "ImageNet: 100 classes (complete)" in words
    assert (stamp.get_fontweight() == "bold") == (scale == "smoke")


def test_other_data_sets_are_not_drawn():
    others = EVERYTHING.assign(dataset="cifar100", recall=0.5)
    both = pandas.concat([EVERYTHING, others], ignore_index=True)
    pandas.testing.assert_frame_equal(figures.fig1_values(both), figures.fig1_values(EVERYTHING))


def test_doubled_and_broken_runs_are_refused():
    with pytest.raises(ValueError, match=r"grow, rich, imagenet is there twice for seeds \[1\]"):
        draw(pandas.concat([EVERYTHING, EVERYTHING[:6].query("seed == 1")]))
    with pytest.raises(ValueError, match=r"seeds \[0\] lack points"):
        draw(EVERYTHING.drop(index=1))


def test_tables_of_another_kind_are_refused(tmp_path):
    records.write_table(tmp_path / "a.csv", EVERYTHING.drop(columns="learning_rate"))
    with pytest.raises(ValueError, match=r"a\.csv has no column learning_rate"):
        recall.read(tmp_path / "a.csv")
    records.write_table(tmp_path / "b.csv", EVERYTHING.assign(recall=90.0))
    with pytest.raises(ValueError, match=r"b\.csv: recall must lie between 0 and 1"):
        recall.read(tmp_path / "b.csv")


def test_named_biases_are_those_of_the_networks():
    assert recall.NAMED_BIASES == {"grow": model.GROW_BIAS, "sculpt": model.SCULPT_BIAS}


def test_the_command_line_writes_pdf_png_and_values(tmp_path, monkeypatch):
    records.write_table(tmp_path / "transfer.csv", EVERYTHING)
    (tmp_path / "transfer.json").write_text(json.dumps(PROVENANCE))
    out = tmp_path / "figures" / "fig1.pdf"
    monkeypatch.setattr(
        "sys.argv",
        f"figures fig1 --transfer {tmp_path}/transfer.csv --reported {REPORTED} --out {out}".split(),
    )
    figures.main()
    assert out.read_bytes().startswith(b"%PDF")
    assert out.with_suffix(".png").stat().st_size > 10_000
    pandas.testing.assert_frame_equal(records.read_tables(out.with_suffix(".csv")), figures.fig1_values(EVERYTHING))
