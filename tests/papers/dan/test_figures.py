"""Figures draw the numbers of the tables they are given where they belong, and the means over seeds."""

from __future__ import annotations

import numpy
import pandas
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Rectangle

from common.drawing import plotting
from common.results import tables as table_files
from common.running import make
from papers.dan import diagram as of_figure_1
from papers.dan.conditions import NETWORKS, SHARING
from papers.dan.figures import fig2, fig3, fig4
from tests.papers.dan import constructed
from tests.papers.dan.constructed import (
    CHANNELS,
    RECORD,
    curves,
    diagram,
    everything,
    image_errors,
    image_grids,
    tables,
)
from tests.papers.dan.small import call


def draw(name, run):
    """A figure of these tables, in its style and with its stamp."""
    return make.draw("dan", name, run, constructed.REPORTED)


def texts(axis):
    """What is written in a panel and its legend."""
    legend = axis.get_legend()
    return [text.get_text() for text in [*axis.texts, *(legend.get_texts() if legend else [])]]


def test_the_network_of_figure_1_has_learned_the_product_of_its_inputs(tmp_path, monkeypatch):
    call(monkeypatch, of_figure_1, f"--out {tmp_path}/diagram.csv")
    table = table_files.read(tmp_path / "diagram.csv")
    output = table[(table["kind"] == "node") & (table["layer"] == 2)]["value"].item()
    assert output == pytest.approx(0.8 * -0.5, abs=0.1)


def test_figure_1_draws_every_weight_with_its_width_and_colour_between_its_nodes():
    table = diagram()
    axis = draw("fig1", tables(diagram=table)).axes[0]
    weights = [line for line in axis.lines if line.get_linestyle() == "-"]
    assert len(weights) == 3 * (2 * 3 + 3 * 1) + 3 * 15 + 15 * 8 + 8 * 1
    vecs = table[table["kind"] == "synapse"]["value"].to_numpy()
    lines = weights[: len(vecs)]
    assert (numpy.argsort([line.get_linewidth() for line in lines]) == numpy.abs(vecs).argsort()).all()
    colors = numpy.array([to_rgb(line.get_color()) for line in lines])
    strong = numpy.abs(vecs) > 0.2 * numpy.abs(vecs).max()
    assert ((colors[:, 0] > colors[:, 2]) == (vecs > 0))[strong].all()  # red above zero, blue below
    nodes = [patch.center for patch in axis.patches if isinstance(patch, Circle)]
    assert len(nodes) == 2 + 3 + 1 + 3 + 15 + 8 + 1
    numpy.testing.assert_allclose(lines[1].get_xydata(), [nodes[0], nodes[2]], atol=1e-9)  # the middle one of three


def test_figure_1_names_outputs_and_layers():
    table = diagram()
    table.loc[table["kind"] == "node", "value"] = [0.8, -0.5, 0.11, 0.22, -0.33, -0.444]
    shown = texts(draw("fig1", tables(diagram=table)).axes[0])
    assert {"0.80", "−0.50", "0.11", "0.22", "−0.33", "−0.44"} <= set(shown)
    assert {"2 inputs", "3 DANs", "1 DAN", "3 channels", "15 tanh", "8 tanh", "1 tanh"} <= set(shown)


def learning():
    """Errors of two seeds: 1 before training, 0.5 when unseen, 0.1 when learned, at the end 0.3 but for the last digit."""
    rows = []
    for seed, factor in ((0, 1.0), (1, 3.0)):
        for digit in range(10):
            for step in (0, 1, *range(60, 601, 60)):
                loss = 1.0 if step == 0 else 0.1 if digit < step // 60 else 0.5
                loss += 0.2 * (step == 600 and digit < 9)
                rows.append(("both", seed, step, digit, factor * loss))
    return pandas.DataFrame(rows, columns=["condition", "seed", "step", "digit", "loss"])


def test_figure_2_has_the_errors_and_the_transfer_worked_by_hand():
    errors = learning()
    holes = errors[(errors["step"] != 180) | (errors["digit"] != 4)]
    with pytest.raises(ValueError, match="image_errors.csv: condition both has no loss on digit 4 after 3 digits"):
        fig2.values(tables(image_errors=holes))
    values = fig2.values(tables(image_errors=errors))
    assert len(values) == 11 * 10 + 2 and set(values["condition"]) == {"both"}
    errors = values[values["quantity"] == "error"].set_index(["learned", "digit"])
    assert errors.loc[(0, 3), ["mean", "n"]].tolist() == [2.0, 2]  # seeds: 1 and 3
    assert errors["mean"].loc[[(3, 3), (4, 3), (10, 3)]].tolist() == pytest.approx([1.0, 0.2, 0.6])
    transfer = values.set_index("quantity").loc[["BWT", "FWT"]]
    # BWT: 0.3 - 0.1 and three times that; FWT: digits 1 to 9 were at 0.5 before they were learned, at 1 at first
    assert transfer["mean"].tolist() == pytest.approx([0.4, -1.0])
    assert transfer["sd"].tolist() == pytest.approx([0.4 / numpy.sqrt(2), 1 / numpy.sqrt(2)])


def test_figure_2_draws_the_errors_and_says_the_transfer_and_how_long_meta_training_was():
    record = RECORD | {"protocol": {"images": {"sequences": 13}}}
    figure = draw("fig2", everything(record=record, image_errors=learning()))
    numpy.testing.assert_allclose(figure.axes[5].images[0].get_array()[[0, 10]], [[2.0] * 10, [0.6] * 9 + [0.2]])
    titles = [axis.get_title("left") for axis in figure.axes]
    assert titles[5] == "f  Error on each digit\nBWT +0.4000 ± 0.2828\nFWT −1.0000 ± 0.7071 (n = 2)"
    assert titles[3] == "d  Memory loss only, after all ten"  # no runs of its errors
    assert "memory and transfer loss of 13 sequences.\n" in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("run", "letters", "added"),
    [
        (("both", "memory", "random"), "abcdef", "d to f are"),
        (("both", "random"), "abcde", "d and e are"),
        (("both",), "abcd", "d is"),
        ((), "abcd", "d is"),
    ],
)
def test_figure_2_has_a_panel_for_each_control_that_was_run_and_no_hole(run, letters, added):
    errors = image_errors(changes={"memory": None})
    figure = draw("fig2", tables(image_grids=image_grids(chosen=run), image_errors=errors) if run else tables())
    axes = figure.axes[: len(letters)]
    assert [axis.get_title("left")[0] for axis in axes] == list(letters)
    assert [axis.get_title("left").splitlines()[0][3:] for axis in axes[3:]] == [
        *(["Memory loss only, after all ten"] if "memory" in run else []),
        *(["Random phenotypes, after all ten"] if "random" in run else []),
        "Error on each digit",
    ]
    assert all(axis.images for axis in axes) == bool(run)  # no empty panel, but of what the paper has
    assert f"{added} not in the paper" in figure.get_supxlabel()
    assert f"\n{letters[-1]}: mean squared error of a to c's networks" in figure.get_supxlabel()
    rows = [{axis.get_subplotspec().get_position(figure).y0 for axis in part} for part in (axes[:3], axes[3:])]
    assert [len(row) for row in rows] == [1, 1] and min(rows[0]) > max(rows[1])
    columns = [axis.get_subplotspec().colspan for axis in axes[3:]]  # side by side, between two that hold nothing
    assert [column.start for column in columns] == [*range(1, len(letters) - 2)]
    assert axes[-1].get_subplotspec().get_gridspec().ncols == len(letters) - 1


def test_figure_2_shows_originals_above_reconstructions_of_the_first_seed():
    grids = image_grids(seeds=2)
    axes = draw("fig2", everything(image_grids=grids)).axes
    panels = [
        ("both", "first", 1),
        ("both", "half", 5),
        ("both", "all", 10),
        ("memory", "all", 10),
        ("random", "all", 10),
    ]
    for axis, (condition, shown, learned) in zip(axes, panels, strict=False):
        original, reconstruction = axis.images[14:16]  # of digit 7
        for image, name in ((original, "original"), (reconstruction, shown)):
            numpy.testing.assert_allclose(image.get_array(), grids.of(name, condition=condition, seed=0)[0, 7])
        assert original.get_extent()[:2] == reconstruction.get_extent()[:2]
        assert original.get_extent()[2] < reconstruction.get_extent()[3]  # the axis points down
        frames = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
        assert len(frames) == learned
        assert (frames[-1].get_x(), frames[-1].get_y()) == tuple(axis.images[2 * learned - 1].get_extent()[::3])


def test_figure_3_draws_four_functions_of_the_first_seed_dark_to_cyan():
    run = tables(predictions=constructed.predictions(seeds=2))
    figure = draw("fig3", run)
    first = fig3.values(run)
    assert set(first["seed"]) == {0} and len(figure.axes) == 4
    for function, axis in enumerate(figure.axes):
        target, *predicted = axis.lines
        for after, line in enumerate(predicted, start=1):
            rows = first[(first["function"] == function) & (first["after"] == after)]
            numpy.testing.assert_allclose(line.get_xydata(), rows[["x", "prediction"]])
            numpy.testing.assert_allclose(target.get_ydata(), rows["target"])
        assert len(predicted) == 5 and "0.01 after 5" in axis.get_title("left")  # a constant error of 0.1
    assert numpy.diff(fig3.COLORS[:, :3].sum(1)).min() > 0  # ever lighter
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[:2] == ["target", "after sub-task 1,\n$x$ from −5 to −3"]
    stamp = next(text.get_text() for text in figure.texts if text.get_gid() == plotting.STAMP)
    assert "1 seed" in stamp and len(RECORD["seeds"]) > 1


def test_figure_4_draws_the_mean_over_seeds_of_every_network_and_its_whole_band():
    """Of three seeds that differ tenfold: a band of mean - SD would reach below zero."""
    table = curves()
    table["mean"] *= table["seed"].map({0: 0.1, 1: 1.0, 2: 10.0})
    figure = draw("fig4", everything(curves=table))
    for axis, quantity in zip(figure.axes, ("total", "memory"), strict=False):
        own = table[table["quantity"] == quantity].set_index(["network", "update"])["mean"]
        logarithms = numpy.log(own).groupby(["network", "update"]).mean()
        for line, network in zip(axis.lines, NETWORKS, strict=False):
            means = numpy.exp(logarithms[network])
            numpy.testing.assert_allclose(line.get_xydata(), [*zip(means.index, means)])
            assert (line.get_color(), line.get_linestyle()) == NETWORKS[network][1:]
        corners = numpy.concatenate([area.get_paths()[0].vertices[:, 1] for area in axis.collections])
        assert axis.get_yscale() == "log" and len(axis.collections) == len(NETWORKS)
        assert 0 < axis.get_ylim()[0] < corners.min() and corners.max() < axis.get_ylim()[1]
    assert {"net0: meta-trained, shared, fixed (n = 3)", "sub-task 5"} <= set(texts(figure.axes[1]))


def test_figure_4_draws_curves_of_meta_training_by_sharing_and_channels():
    figure = draw("fig4", everything())
    names = [look.label for look in SHARING.values()], ["1 channel", *(f"{count} channels" for count in CHANNELS[1:])]
    for axis, expected in zip(figure.axes[2:], names, strict=True):
        assert texts(axis) == [f"{name} (n = 3)" for name in expected]
    numpy.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), figure.axes[3].lines[4].get_ydata())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "\n(weights start by Glorot's rule)"),
        ({"torch_start": ["dans"]}, "\n(VECs start by Glorot's rule, DANs by torch's defaults)"),
        ({"torch_start": ["dans", "vecs"]}, "\n(weights start by torch's defaults)"),
        (None, ""),  # runs of several protocols
    ],
)
def test_figure_4_says_how_weights_start_where_channels_are_compared(settings, said):
    record = RECORD | {"protocol": {"regression": settings} if settings is not None else {}}
    titles = [axis.get_title("left") for axis in draw("fig4", everything(record=record)).axes]
    assert titles[3] == fig4.PANELS["channels"] + said
    assert titles[:3] == [fig4.PANELS[panel] for panel in ("total", "memory", "sharing")]


def test_figure_4_has_values_worked_by_hand():
    rows = [  # 20 bins of two
        ("network", 8, seed, number, 20 * number, seed + number) for seed in (1, 3) for number in range(1, 41)
    ]
    log = pandas.DataFrame(rows, columns=["sharing", "n_channels", "seed", "sequence", "updates", "loss"])
    others = [log.assign(sharing=sharing) for sharing in ("layer", "none")]
    table = pandas.concat([log, *others, log.assign(n_channels=2, loss=9.0)])
    values = fig4.values(tables(meta=table)).set_index(["panel", "condition"]).sort_index(kind="stable")
    assert [panel for panel, _ in values.index.unique()] == ["channels"] * 2 + ["sharing"] * 3
    found = values.loc[("sharing", "layer")]
    assert len(found) == 20 and set(found["n"]) == {2}
    assert found["x"].tolist()[:2] == [30, 70]  # the mean of 20 and 40 updates, of 60 and 80
    assert found["geometric_mean"].tolist()[:2] == pytest.approx([numpy.sqrt(2.5 * 4.5), numpy.sqrt(4.5 * 6.5)])
    factor = (42.5 / 40.5) ** (1 / numpy.sqrt(2))  # the SD of two logarithms is their difference / sqrt(2)
    ends = numpy.sqrt(40.5 * 42.5) * numpy.array([1 / factor, factor])
    assert found[["low", "high"]].iloc[-1].tolist() == pytest.approx(ends.tolist())
    assert found[["mean_of_functions", "sd_of_functions"]].isna().all(axis=None)
    assert values.loc[("channels", "2"), "geometric_mean"].tolist() == pytest.approx([9.0] * 20)


def test_figure_4_has_the_spread_over_functions_and_seeds():
    """Of two seeds with three functions each, (1, 2, 6) and (2, 4, 12): as of all six together."""
    losses = numpy.array([[1.0, 2, 6], [2, 4, 12]])
    rows = {"seed": [0, 1], "mean": losses.mean(1), "sd": losses.std(1, ddof=1), "functions": 3}
    rows |= {"network": "net0", "update": 10, "quantity": "total"}
    values = fig4.values(tables(curves=pandas.DataFrame(rows))).iloc[0]
    assert values["mean_of_functions"] == pytest.approx(losses.mean())
    assert values["sd_of_functions"] == pytest.approx(losses.std(ddof=1))
    assert values["geometric_mean"] == pytest.approx(numpy.sqrt(3 * 6))
