"""What is drawn is what was given, stamps cannot be missed, and equal figures are equal files."""

from __future__ import annotations

import os
import subprocess
import sys

import matplotlib.pyplot
import numpy
import pytest
from matplotlib.colors import to_rgb

from common.drawing import plotting
from common.running.code import ROOT


@pytest.fixture
def axis():
    with plotting.style():
        figure, axis = matplotlib.pyplot.subplots(figsize=(4, 3))
        yield axis
    matplotlib.pyplot.close(figure)


X = numpy.array([1, 2, 3])
RUNS = numpy.array([[1.0, 2.0, 3.0], [3.0, 2.0, 5.0], [5.0, 2.0, 7.0]])


def test_band_is_mean_and_standard_deviation(axis):
    plotting.band(axis, X, RUNS, label="Ours", color="#0072B2")
    (line,), (area,) = axis.lines, axis.collections
    assert line.get_ydata().tolist() == [3, 2, 5] and line.get_label() == "Ours"
    corners = area.get_paths()[0].vertices
    assert [corners[corners[:, 0] == 1][:, 1].min(), corners[corners[:, 0] == 1][:, 1].max()] == [1, 5]
    assert set(corners[corners[:, 0] == 2][:, 1]) == {2}


def test_a_geometric_band_is_that_of_the_logarithms(axis):
    """Where values differ tenfold, mean - SD lies below zero, but not this band: from 1 to 100 around 10."""
    plotting.band(axis, X[:2], [[1, 2], [10, 2], [100, 2]], geometric=True)
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([10, 2])
    corners = axis.collections[0].get_paths()[0].vertices
    assert sorted(set(corners[corners[:, 0] == 1][:, 1].round(9))) == [1, 100]
    assert set(corners[corners[:, 0] == 2][:, 1].round(9)) == {2}


def test_two_runs_are_drawn_themselves(axis):
    plotting.band(axis, X, RUNS[:2], label="Ours", color="#0072B2")
    assert len(axis.collections) == 0
    mean, *single = axis.lines
    assert mean.get_ydata().tolist() == [2, 2, 4]
    assert [line.get_ydata().tolist() for line in single] == RUNS[:2].tolist()
    assert all(line.get_linewidth() < mean.get_linewidth() for line in single)
    assert len({line.get_color() for line in axis.lines}) == 1
    assert axis.get_legend_handles_labels()[1] == ["Ours"]


def test_one_run_is_one_line_and_runs_of_another_length_are_refused(axis):
    plotting.band(axis, X, RUNS[0])
    assert len(axis.lines) == 1 and len(axis.collections) == 0
    with pytest.raises(ValueError, match=r"expected runs \[n_runs, 2\], found \[3, 3\]"):
        plotting.band(axis, X[:2], RUNS)


def test_reported_markers_share_one_legend_entry(axis):
    plotting.reported_marker(axis, 100, 92.2, 1.1, "#0072B2")
    plotting.reported_marker(axis, 90, 57.5, None, "#D55E00")
    plotting.reported_marker(axis, 80, 13.0, float("nan"), "#009E73")
    assert axis.get_legend_handles_labels()[1] == ["paper (mean, SD)"]
    points = [container for container in axis.containers if len(container.lines[0].get_xdata())]
    assert [float(point.lines[0].get_ydata()[0]) for point in points] == [92.2, 57.5, 13.0]
    assert [bool(point.has_yerr) for point in points] == [True, False, False]
    low, high = points[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((91.1, 93.3))
    assert points[0].lines[0].get_markerfacecolor() == "none"


def test_what_was_not_run_is_said(axis):
    plotting.no_runs(axis)
    (text,) = axis.texts
    assert text.get_text() == plotting.NO_RUNS and text.get_position() == (0.5, 0.5)
    assert plotting.name_with_runs("EWC", 3) == "EWC (n = 3)"
    assert plotting.name_with_runs("EWC", 10, 5, 10, 0) == "EWC (n = 5 or 10)"
    assert plotting.name_with_runs("EWC", 0) == f"EWC: {plotting.NO_RUNS}"
    plotting.no_runs(axis, "EWC")
    assert axis.texts[1].get_text() == f"EWC: {plotting.NO_RUNS}"
    assert plotting.counted([]) == plotting.counted([0]) == ""


def test_titles_labels_and_legends_have_one_size_each(axis):
    sizes = {item.get_fontsize() for item in (axis.xaxis.label, axis.yaxis.label, *axis.get_xticklabels())}
    axis.set_title("a title")
    axis.plot([1, 2], label="a line")
    assert sizes == {8} and axis.title.get_text() == "" and axis.get_title(loc="left") == "a title"
    assert axis.legend().get_texts()[0].get_fontsize() == plotting.TINY
    assert axis.text(0, 0, "in the panel").get_fontsize() == 8


def test_the_caption_stands_below_the_panels(axis):
    plotting.caption(axis.figure, "What is drawn.")
    axis.figure.canvas.draw()
    below = axis.figure._supxlabel.get_window_extent()
    assert axis.figure.get_supxlabel() == "What is drawn." and below.y1 <= axis.get_tightbbox().y0


LONG = "smoke scale, stand-in data (handwriting-like strokes), 2 seeds; " * 3


@pytest.mark.parametrize("loud", [True, False])
def test_the_stamp_lies_on_the_page_below_the_drawing(axis, loud):
    axis.set_xlabel("number of classes learned")
    axis.figure.suptitle("title")
    plotting.stamp(axis.figure, LONG, loud=loud)
    axis.figure.canvas.draw()
    (stamp,) = [text for text in axis.figure.texts if text.get_gid() == plotting.STAMP]
    assert stamp.get_text().replace("\n", " ").strip() == LONG.strip()
    inches = stamp.get_window_extent().transformed(axis.figure.dpi_scale_trans.inverted())
    page = axis.figure.get_tightbbox()
    assert page.y0 <= inches.y0 < inches.y1 <= 0
    assert page.x0 <= inches.x0 < inches.x1 <= page.x1
    assert inches.width <= 4.2, "the stamp must not widen the page"


def test_only_what_is_no_result_is_stamped_in_loud_red(axis):
    plotting.stamp(axis.figure, "smoke", loud=True)
    plotting.stamp(axis.figure, "paper", loud=False)
    loud, quiet = axis.figure.texts
    red, green, blue = to_rgb(loud.get_color())
    assert red > 0.7 and max(green, blue) < 0.2
    assert loud.get_fontweight() == "bold" and loud.get_fontsize() >= 1.5 * quiet.get_fontsize()
    assert len(set(to_rgb(quiet.get_color()))) == 1


def test_a_figure_without_stamp_or_under_another_ending_is_not_saved(axis, tmp_path):
    with pytest.raises(ValueError, match="bears no stamp"):
        plotting.save(axis.figure, tmp_path / "a.pdf")
    plotting.stamp(axis.figure, "paper", loud=False)
    with pytest.raises(ValueError, match=r"ending in \.pdf or \.svg"):
        plotting.save(axis.figure, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
import matplotlib.pyplot
from common.drawing import plotting
with plotting.style():
    figure, axis = matplotlib.pyplot.subplots()
    plotting.band(axis, [1, 2], [[0.1, 0.2], [0.2, 0.3], [0.3, 0.5]], "Ours", plotting.PALETTE["blue"])
    plotting.reported_marker(axis, 2, 0.4, 0.05, plotting.PALETTE["blue"])
    axis.legend()
    plotting.stamp(figure, "paper scale, 3 seeds", loud=False)
    for path in sys.argv[1:]:
        plotting.save(figure, path)
"""


def test_equal_figures_of_two_processes_are_equal_bytes(tmp_path):
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        paths = [tmp_path / f"{hash_seed}.{ending}" for ending in ("pdf", "svg")]
        subprocess.run([sys.executable, "-c", SCRIPT, *map(str, paths)], env=environment, cwd=ROOT, check=True)
    for suffix in (".pdf", ".png", ".svg"):
        first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "12")
        assert first == second and len(first) > 5000
    assert b"CreationDate" not in (tmp_path / "1.pdf").read_bytes()


def test_style_leaves_no_trace(axis):
    before = dict(matplotlib.rcParams)
    with plotting.style():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
    assert dict(matplotlib.rcParams) == before
