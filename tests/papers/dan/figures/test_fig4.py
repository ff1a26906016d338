"""Figure 4: means and bands over seeds, spread over functions, bins of sequences."""

from __future__ import annotations

import numpy
import pandas
import pytest

from papers.dan.conditions import NETWORKS, SHARING
from papers.dan.figures import fig4
from tests.papers.dan.constructed import CHANNELS, curves, draw, everything, meta, tables, texts


def test_figure_4_draws_the_mean_over_seeds_of_every_network():
    table = curves()
    figure = draw("fig4", everything(curves=table))
    for axis, quantity in zip(figure.axes, ("total", "memory"), strict=False):
        assert axis.get_yscale() == "log"
        own = table[table["quantity"] == quantity].set_index(["network", "update"])["mean"]
        logarithms = numpy.log(own).groupby(["network", "update"]).mean()
        for line, network in zip(axis.lines, NETWORKS, strict=False):
            means = numpy.exp(logarithms[network])
            numpy.testing.assert_allclose(line.get_xydata(), [*zip(means.index, means)])
            assert (line.get_color(), line.get_linestyle()) == NETWORKS[network][1:]
    assert figure.axes[1].lines[0].get_xdata()[0] == 10  # there is nothing to remember before the first update
    assert "net0: meta-trained, shared, fixed (n = 3)" in texts(figure)
    assert "sub-task 5" in texts(figure)


def test_figure_4_draws_curves_of_meta_training_by_sharing_and_channels():
    figure = draw("fig4", everything())
    names = [look.label for look in SHARING.values()], ["1 channel", *(f"{count} channels" for count in CHANNELS[1:])]
    for axis, expected in zip(figure.axes[2:], names, strict=True):
        legend = [text.get_text() for text in axis.get_legend().get_texts()]
        assert legend == [f"{name} (n = 3)" for name in expected]
    numpy.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), figure.axes[3].lines[4].get_ydata())


def test_figure_4_has_values_worked_by_hand():
    log = pandas.DataFrame(
        [
            ("network", 8, seed, sequence, 20 * sequence, seed + sequence)
            for seed in (1, 3)
            for sequence in range(1, 41)  # 20 bins of two
        ],
        columns=["sharing", "n_channels", "seed", "sequence", "updates", "loss"],
    )
    others = [log.assign(sharing=sharing) for sharing in ("layer", "none")]
    table = pandas.concat([log, *others, log.assign(n_channels=2, loss=9.0)])
    values = fig4.values(tables(meta=table)).set_index(["panel", "condition"]).sort_index(kind="stable")
    assert sorted(set(values.index)) == [
        ("channels", "2"),
        ("channels", "8"),
        *(("sharing", sharing) for sharing in ("layer", "network", "none")),
    ]
    found = values.loc[("sharing", "layer")]
    assert len(found) == 20
    assert found["x"].tolist()[:2] == [30, 70]  # the mean of 20 and 40 updates, of 60 and 80
    assert found["geometric_mean"].tolist()[:2] == pytest.approx([numpy.sqrt(2.5 * 4.5), numpy.sqrt(4.5 * 6.5)])
    factor = (42.5 / 40.5) ** (1 / numpy.sqrt(2))  # the SD of two logarithms is their difference / sqrt(2)
    assert found["high"].iloc[-1] == pytest.approx(numpy.sqrt(40.5 * 42.5) * factor) and set(found["n"]) == {2}
    assert found["low"].iloc[-1] == pytest.approx(numpy.sqrt(40.5 * 42.5) / factor)
    assert found[["mean_of_functions", "sd_of_functions"]].isna().all(axis=None)
    assert values.loc[("channels", "2"), "geometric_mean"].tolist() == pytest.approx([9.0] * 20)


def test_figure_4_has_the_spread_over_functions_and_seeds():
    """Of two seeds with three functions each, (1, 2, 6) and (2, 4, 12): as of all six together."""
    losses = numpy.array([[1.0, 2, 6], [2, 4, 12]])
    rows = [
        {"network": "net0", "seed": seed, "update": 10, "quantity": "total", "mean": own.mean(), "sd": own.std(ddof=1)}
        for seed, own in enumerate(losses)
    ]
    values = fig4.values(tables(curves=pandas.DataFrame(rows).assign(functions=3)))
    assert values["mean_of_functions"].tolist() == pytest.approx([losses.mean()])
    assert values["sd_of_functions"].tolist() == pytest.approx([losses.std(ddof=1)])
    assert values["geometric_mean"].tolist() == pytest.approx([numpy.sqrt(3 * 6)])


def test_figure_4_shows_its_bands_whole():
    """Of three seeds that differ tenfold: a band of mean - SD would reach below zero."""
    table = curves()
    table["mean"] *= table["seed"].map({0: 0.1, 1: 1.0, 2: 10.0})
    axis = draw("fig4", everything(curves=table)).axes[0]
    corners = numpy.concatenate([area.get_paths()[0].vertices for area in axis.collections])
    assert len(axis.collections) == len(NETWORKS) and corners[:, 1].min() > 0
    assert axis.get_ylim()[0] < corners[:, 1].min() and axis.get_ylim()[1] > corners[:, 1].max()


def test_bins_hold_neighbouring_sequences_and_all_of_them():
    few = meta(seeds=2, sequences=7)
    few = few[few["sharing"] == "layer"]
    assert fig4.binned(few)["updates"].tolist() == [500.0 * sequence for sequence in range(1, 8)] * 2
    many = meta(seeds=1, sequences=1030, every=10)
    many = many[many["sharing"] == "layer"]
    assert len(fig4.binned(many)) == 20
    assert fig4.binned(many)["updates"].is_monotonic_increasing
