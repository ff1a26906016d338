"""Figure 1 draws every weight where it belongs."""

from __future__ import annotations

import numpy
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from tests.papers.dan.constructed import diagram, draw, tables, texts


def test_figure_1_draws_every_weight_with_its_width_and_colour():
    table = diagram()
    axis = draw("fig1", tables(diagram=table)).axes[0]
    weights = [line for line in axis.lines if line.get_linestyle() == "-"]
    assert len(weights) == 3 * (2 * 3 + 3 * 1) + 3 * 15 + 15 * 8 + 8 * 1
    vecs = table[table["kind"] == "synapse"]["value"].to_numpy()
    widths = numpy.array([line.get_linewidth() for line in weights[: len(vecs)]])
    assert (widths.argsort() == numpy.abs(vecs).argsort()).all()
    reds = [int(to_hex(line.get_color())[1:3], 16) for line in weights[: len(vecs)]]
    blues = [int(to_hex(line.get_color())[5:7], 16) for line in weights[: len(vecs)]]
    strong = numpy.abs(vecs) > 0.2 * numpy.abs(vecs).max()
    assert ((numpy.array(reds) > blues) == (vecs > 0))[strong].all()


def test_figure_1_joins_the_nodes_of_a_connection_by_parallel_lines():
    axis = draw("fig1", tables(diagram=diagram())).axes[0]
    nodes = [patch.center for patch in axis.patches if isinstance(patch, Circle)]
    assert len(nodes) == 2 + 3 + 1 + 3 + 15 + 8 + 1
    vec = numpy.array([line.get_xydata() for line in axis.lines[:3]])  # of the first input and the first DAN
    numpy.testing.assert_allclose(vec[1], [nodes[0], nodes[2]], atol=1e-9)
    along = vec[:, 1] - vec[:, 0]
    numpy.testing.assert_allclose(along, along[[0, 0, 0]], atol=1e-9)
    assert numpy.hypot(*(vec[0, 0] - vec[1, 0])) == pytest.approx(0.095)


def test_figure_1_names_outputs_and_layers():
    table = diagram()
    table.loc[table["kind"] == "node", "value"] = [0.8, -0.5, 0.11, 0.22, -0.33, -0.444]
    shown = texts(draw("fig1", tables(diagram=table)))
    assert {"0.80", "−0.50", "0.11", "0.22", "−0.33", "−0.44"} <= set(shown)
    assert {"2 inputs", "3 DANs", "1 DAN", "3 channels", "15 tanh", "8 tanh", "1 tanh"} <= set(shown)
    assert shown.count("φ") == 4
