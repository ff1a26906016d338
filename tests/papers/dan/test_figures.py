"""Figures draw what is in the tables they are given, and say what is missing."""

from __future__ import annotations

import numpy
import pandas
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Rectangle

from common.drawing import plotting
from common.results import records
from papers.dan import figures
from papers.dan.conditions import NETWORKS
from papers.dan.fig2 import fig2_values
from papers.dan.fig3 import COLORS, fig3_values
from papers.dan.fig4 import DEPLOYED, binned, fig4_values
from papers.dan.runs import NEEDS
from tests.papers.dan.constructed import (
    PROVENANCE,
    REPORTED,
    REPORTED_PATH,
    curves,
    diagram,
    everything,
    image_errors,
    image_grids,
    meta,
    predictions,
    write,
)

SMOKE = PROVENANCE | {"scale": "smoke", "seeds": [0]}
FEW = {
    "diagram": diagram(),
    "image_errors": image_errors(seeds=1, steps=4, changes={"memory": None}),
    "image_grids": image_grids(seeds=1, chosen=("both", "random")),
    "predictions": predictions(seeds=1, functions=2, points=11),
    "curves": curves(seeds=1, functions=4, changes={"net3": None, "net5": None}),
    "meta": meta(seeds=1, sequences=3, changes={("layer", 40): None}),
}


def draw(name, tables, provenance=PROVENANCE):
    needed = {table: tables[table] for table in NEEDS[name] if table in tables}
    return figures.FIGURES[name](needed, REPORTED, dict.fromkeys(NEEDS[name], provenance))


def texts(figure):
    found = [text.get_text() for axis in figure.axes for text in axis.texts]
    legends = [legend for axis in figure.axes if (legend := axis.get_legend())]
    return found + [text.get_text() for legend in legends for text in legend.get_texts()]


def titles(figure):
    return [axis.get_title("left") for axis in figure.axes]


def test_figure_1_draws_every_weight_with_its_width_and_colour():
    table = diagram()
    axis = draw("fig1", {"diagram": table}).axes[0]
    weights = [line for line in axis.lines if line.get_linestyle() == "-"]
    assert len(weights) == 3 * (2 * 3 + 3 * 1) + 3 * 15 + 15 * 8 + 8 * 1
    vecs = table[table["kind"] == "synapse"]["value"].to_numpy()
    widths = numpy.array([line.get_linewidth() for line in weights[: len(vecs)]])
    assert (widths.argsort() == numpy.abs(vecs).argsort()).all()
    reds = [int(to_hex(line.get_color())[1:3], 16) for line in weights[: len(vecs)]]
    blues = [int(to_hex(line.get_color())[5:7], 16) for line in weights[: len(vecs)]]
    strong = numpy.abs(vecs) > 0.2 * numpy.abs(vecs).max()
    assert ((numpy.array(reds) > blues) == (vecs > 0))[strong].all()


def test_figure_1_says_what_the_network_learned():
    caption = draw("fig1", {"diagram": diagram()}).get_supxlabel()
    assert caption.startswith("A network that learned the product of its inputs, x1 x2, with θ and φ together.")


def test_figure_1_joins_the_nodes_of_a_connection_by_parallel_lines():
    axis = draw("fig1", {"diagram": diagram()}).axes[0]
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
    shown = texts(draw("fig1", {"diagram": table}))
    assert {"0.80", "−0.50", "0.11", "0.22", "−0.33", "−0.44"} <= set(shown)
    assert {"2 inputs", "3 DANs", "1 DAN", "3 channels", "15 tanh", "8 tanh", "1 tanh"} <= set(shown)
    assert shown.count("φ") == 4


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
    values = fig2_values({"image_errors": learning(after=0.2)})
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
    assert titles(figure)[5] == "f  Error on each digit\nBWT +0.4000 ± 0.2828, FWT −1.0000 ± 0.7071 (n = 2)"
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
        fig2_values({"image_errors": holes})


def test_figure_3_draws_four_functions_dark_to_cyan():
    table = predictions(seeds=2)
    figure = draw("fig3", {"predictions": table})
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
    assert numpy.diff(COLORS[:, :3].sum(1)).min() > 0  # ever lighter
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[0] == "target" and names[1] == "after sub-task 1,\n$x$ from −5 to −3"
    assert set(fig3_values({"predictions": table})["seed"]) == {0}
    stamp = next(text.get_text() for text in figure.texts if text.get_gid() == plotting.STAMP)
    assert "1 seed" in stamp and len(PROVENANCE["seeds"]) > 1


def test_figure_4_draws_the_mean_over_seeds_of_every_network():
    table = curves()
    figure = draw("fig4", everything(curves=table))
    for axis, quantity in zip(figure.axes, ("total", "memory"), strict=False):
        assert axis.get_yscale() == "log"
        found = table[table["quantity"] == quantity]
        for line, network in zip(axis.lines, NETWORKS, strict=False):
            means = numpy.exp(
                numpy.log(found[found["network"] == network].set_index("update")["mean"]).groupby("update").mean()
            )
            numpy.testing.assert_allclose(line.get_xydata(), [*zip(means.index, means)])
            look = DEPLOYED[network]
            assert (line.get_color(), line.get_linestyle()) == (look["color"], look["linestyle"])
            assert (line.get_linestyle() == "-") == NETWORKS[network].meta_trained
    assert figure.axes[1].lines[0].get_xdata()[0] == 10  # there is nothing to remember before the first update
    assert "net0: meta-trained, shared, fixed (n = 3)" in texts(figure)
    assert "sub-task 5" in texts(figure)


def test_figure_4_draws_curves_of_meta_training_by_sharing_and_channels():
    figure = draw("fig4", everything())
    names = ["net0: one phenotype", "net1: one per layer", "net2: one per DAN"]
    assert [text.get_text() for text in figure.axes[2].get_legend().get_texts()] == [
        f"{name} (n = 3)" for name in names
    ]
    channels = [text.get_text() for text in figure.axes[3].get_legend().get_texts()]
    assert channels == [f"{count} (n = 3)" for count in ("1 channel", "5 channels", "10 channels")] + [
        "20 channels (n = 3)",
        "40 channels (n = 3)",
    ]
    numpy.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), figure.axes[3].lines[4].get_ydata())


def test_figure_2_says_how_many_sequences_meta_training_had():
    known = PROVENANCE | {"protocol": {"images": {"sequences": 13}}}
    captions = [draw("fig2", everything(), provenance).get_supxlabel() for provenance in (known, PROVENANCE)]
    assert "memory and transfer loss of 13 sequences.\n" in captions[0]
    assert "memory and transfer loss.\n" in captions[1]


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
    values = fig4_values({"meta": table}).set_index(["panel", "condition"]).sort_index(kind="stable")
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
    values = fig4_values({"curves": pandas.DataFrame(rows).assign(functions=3)})
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
    assert binned(few)["updates"].tolist() == [500.0 * sequence for sequence in range(1, 8)] * 2
    many = meta(seeds=1, sequences=1030, every=10)
    many = many[many["sharing"] == "layer"]
    assert len(binned(many)) == 20
    assert binned(many)["updates"].is_monotonic_increasing


@pytest.mark.parametrize("name", figures.FIGURES)
def test_one_seed_and_some_of_the_runs_are_enough(name):
    figure = draw(name, FEW, SMOKE)
    (stamp,) = [text for text in figure.texts if text.get_gid() == "stamp"]
    assert stamp.get_text().startswith("Smoke scale, not a result")
    assert not any("nan" in text for text in texts(figure) + titles(figure))
    if name != "fig1":
        assert any("no runs at this scale" in text for text in texts(figure))


@pytest.mark.parametrize("name", figures.FIGURES)
def test_without_runs_figures_say_so_in_every_panel(name):
    figure = draw(name, {})
    for axis in figure.axes:
        assert [text.get_text() for text in axis.texts] == ["no runs at this scale"]
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", figures.FIGURES)
def test_the_command_line_writes_pdf_png_and_values(tmp_path, monkeypatch, name):
    sources = [write(tmp_path, table, FEW[table]) for table in NEEDS[name]]
    out = tmp_path / "figures" / f"{name}.pdf"
    arguments = f"figures {name} --results {' '.join(map(str, sources))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    figures.main()
    assert out.read_bytes().startswith(b"%PDF")
    assert out.with_suffix(".png").stat().st_size > 10_000
    written = records.read_tables(out.with_suffix(".csv"))
    pandas.testing.assert_frame_equal(written, figures.VALUES[name](FEW), check_dtype=False)


def test_a_table_with_a_hole_is_refused(tmp_path, monkeypatch):
    source = write(tmp_path, "predictions", FEW["predictions"].assign(prediction=numpy.nan))
    arguments = f"figures fig3 --results {source} --reported {REPORTED_PATH} --out {tmp_path}/a.pdf"
    monkeypatch.setattr("sys.argv", arguments.split())
    with pytest.raises(ValueError, match="predictions.csv: column prediction holds values that are missing"):
        figures.main()
    assert not (tmp_path / "a.pdf").exists()
