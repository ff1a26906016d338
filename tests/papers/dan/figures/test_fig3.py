"""Figure 3: four functions of the first seed."""

from __future__ import annotations

import numpy

from common.drawing import plotting
from papers.dan.figures import fig3
from tests.papers.dan.constructed import RECORD, draw, predictions, tables


def test_figure_3_draws_four_functions_dark_to_cyan():
    table = predictions(seeds=2)
    figure = draw("fig3", tables(predictions=table))
    assert len(figure.axes) == 4
    for function, axis in enumerate(figure.axes):
        target, *predicted = axis.lines
        found = table[(table["function"] == function) & (table["seed"] == 0)]
        assert len(predicted) == 5
        for after, line in enumerate(predicted, start=1):
            rows = found[found["after"] == after]
            numpy.testing.assert_allclose(line.get_xydata(), rows[["x", "prediction"]])
            numpy.testing.assert_allclose(target.get_ydata(), rows["target"])
        assert "0.01 after 5" in axis.get_title("left")  # a constant error of 0.1
    assert numpy.diff(fig3.COLORS[:, :3].sum(1)).min() > 0  # ever lighter
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[0] == "target" and names[1] == "after sub-task 1,\n$x$ from −5 to −3"
    assert set(fig3.values(tables(predictions=table))["seed"]) == {0}
    stamp = next(text.get_text() for text in figure.texts if text.get_gid() == plotting.STAMP)
    assert "1 seed" in stamp and len(RECORD["seeds"]) > 1
