"""Figure 2: pictures of the first seed, errors and transfer of all."""

from __future__ import annotations

import numpy
import pandas
import pytest
from matplotlib.patches import Rectangle

from papers.dan.figures import fig2
from tests.papers.dan.constructed import RECORD, draw, everything, image_grids, tables, titles


def learning(after=0.0):
    """Errors of two seeds that are 1 before training, 0.5 when unseen, 0.1 when learned and `after` more at the end."""
    rows = []
    for seed, factor in ((0, 1.0), (1, 3.0)):
        for digit in range(10):
            for step in (0, 1, *range(60, 601, 60)):
                learned = step // 60
                loss = 1.0 if step == 0 else 0.1 if digit < learned else 0.5
                loss += after * (learned == 10 and digit < 9)
                rows.append(("both", seed, step, digit, factor * loss))
    return pandas.DataFrame(rows, columns=["condition", "seed", "step", "digit", "loss"])


def test_figure_2_has_the_errors_and_the_transfer_worked_by_hand():
    values = fig2.values(tables(image_errors=learning(after=0.2)))
    assert len(values) == 11 * 10 + 2 and set(values["condition"]) == {"both"}
    errors = values[values["quantity"] == "error"].set_index(["learned", "digit"])
    assert errors.loc[(0, 3), ["mean", "n"]].tolist() == [2.0, 2]  # seeds: 1 and 3
    assert errors.loc[(3, 3), "mean"] == pytest.approx(1.0) and errors.loc[(4, 3), "mean"] == pytest.approx(0.2)
    assert errors.loc[(10, 3), "mean"] == pytest.approx(0.6)
    transfer = values.set_index("quantity").loc[["BWT", "FWT"]]
    # BWT: 0.3 - 0.1 and three times that; FWT: digits 1 to 9 were at 0.5 before they were learned, at 1 at first
    assert transfer["mean"].tolist() == pytest.approx([0.4, -1.0])
    assert transfer["sd"].tolist() == pytest.approx([0.4 / numpy.sqrt(2), 1 / numpy.sqrt(2)])
    assert transfer[["learned", "digit"]].isna().all(axis=None)


def test_figure_2_draws_the_errors_and_says_the_transfer():
    figure = draw("fig2", everything(image_errors=learning(after=0.2)))
    matrix = figure.axes[5].images[0].get_array()
    assert matrix.shape == (11, 10)
    assert matrix[0].tolist() == pytest.approx([2.0] * 10)
    assert matrix[10].tolist() == pytest.approx([0.6] * 9 + [0.2])
    assert titles(figure)[5] == "f  Error on each digit\nBWT +0.4000 ± 0.2828\nFWT −1.0000 ± 0.7071 (n = 2)"
    assert titles(figure)[3] == "d  Memory loss only, after all ten"  # no runs of its errors


def test_figure_2_shows_originals_above_reconstructions_of_the_first_seed():
    grids = image_grids(seeds=2)
    figure = draw("fig2", everything(image_grids=grids))
    first = grids[(grids["seed"] == 0) & (grids["condition"] == "both") & (grids["digit"] == 7)]
    for axis, shown, learned in zip(figure.axes, ("first", "half", "all"), (1, 5, 10), strict=False):
        original, reconstruction = axis.images[14:16]
        for image, name in ((original, "original"), (reconstruction, shown)):
            expected = first[first["shown"] == name].pivot(index="row", columns="column", values="value")
            numpy.testing.assert_allclose(image.get_array(), expected)
            assert image.get_clim() == (0, 1)
        assert original.get_extent()[:2] == reconstruction.get_extent()[:2]
        assert original.get_extent()[2] < reconstruction.get_extent()[3]  # the axis points down
        frames = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
        assert len(frames) == learned
        assert (frames[-1].get_x(), frames[-1].get_y()) == tuple(axis.images[2 * learned - 1].get_extent()[::3])
    random = grids[(grids["seed"] == 0) & (grids["condition"] == "random") & (grids["shown"] == "all")]
    expected = random[random["digit"] == 9].pivot(index="row", columns="column", values="value")
    numpy.testing.assert_allclose(figure.axes[4].images[19].get_array(), expected)


def test_figure_2_refuses_errors_with_holes():
    errors = learning()
    holes = errors[(errors["step"] != 180) | (errors["digit"] != 4)]
    with pytest.raises(ValueError, match="image_errors.csv: condition both has no loss on digit 4 after 3 digits"):
        fig2.values(tables(image_errors=holes))


def test_figure_2_says_how_many_sequences_meta_training_had():
    known, no = (RECORD | {"protocol": protocol} for protocol in ({"images": {"sequences": 13}}, {}))
    captions = [draw("fig2", everything(record=record)).get_supxlabel() for record in (known, no)]
    assert "memory and transfer loss of 13 sequences.\n" in captions[0]
    assert "memory and transfer loss.\n" in captions[1]
