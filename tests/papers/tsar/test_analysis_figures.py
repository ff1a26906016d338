"""Figures 2 to 19 draw the arrays and tables they are given, and say what is missing."""

from __future__ import annotations

import dataclasses
import functools
import importlib

import numpy
import pytest

from common.drawing import plotting
from common.results.arrays import Arrays
from common.results.readers import Tables
from papers.tsar import activity, agreement
from papers.tsar.figures import fig2, fig11
from papers.tsar.model import Tsar
from papers.tsar.protocol import VARIANTS, Widths
from papers.tsar.results import READERS
from tests.papers.tsar import constructed_activity
from tests.papers.tsar.constructed import REPORTED
from tests.papers.tsar.small import SMOKE, torch

pytestmark = pytest.mark.filterwarnings("error")
MADE = {
    "everything": functools.cache(constructed_activity.everything),
    "single": functools.cache(constructed_activity.single),
    "none": constructed_activity.tables,
}
NUMBERS = range(2, 20)
C3 = {"A, modular", "A, Grow", "A, bursting", *"BCDE"}
FULL = {
    2: C3,
    3: {*"ABCD"},
    4: {*"ABCD"},
    5: {*"ABCDEFG"},
    6: C3,
    7: C3,
    8: {*"ABCDEFGH"},
}  # panels that transfer fills
FULL |= {9: {"A, rich", "A, scarce", *"BCDE"}, 10: {*"ABCDEF"}}
FULL |= {11: {"imagenet"}, 12: {"cifar100"}, 13: {"imagenet"}, 14: {"cifar100"}, 15: {"imagenet"}, 16: {"cifar100"}}
FULL |= {number: {"imagenet", "cifar100"} for number in (17, 18, 19)}
WITHOUT_RUNS = {2: {"A, modular"}, 3: {*"ABCD"}, 6: {"A, modular"}, 7: {"A, modular"}}


def figure(number, run):
    with plotting.style():
        return importlib.import_module(f"papers.tsar.figures.fig{number}").draw(run, REPORTED)


def values(number, run):
    return importlib.import_module(f"papers.tsar.figures.fig{number}").values(run)


def axis(drawn, title):
    """The axis whose title begins with this word."""
    (found,) = [axis for axis in drawn.axes if axis.get_title("left").split()[:1] == [title]]
    return found


def missing(drawn):
    """How many panels say that they have no runs."""
    return sum("no runs" in text.get_text() for axis in drawn.axes for text in axis.texts)


def line(axis, label):
    (found,) = [line for line in axis.lines if line.get_label().startswith(label)]
    return numpy.array(found.get_data())


@pytest.mark.parametrize("runs", MADE)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_figure_draws_what_there_is(number, runs, tmp_path):
    drawn = figure(number, MADE[runs]())
    drawn.canvas.draw()  # with the layout, which warns if axes collapse
    table = values(number, MADE[runs]())
    shown = set(table["panel"])
    assert list(table) == ["panel", "series", "quantity", "x", "mean", "sd", "n"]
    assert (table["n"] > 0).all() and table["mean"].notna().all()
    if runs == "everything":
        assert shown == FULL[number]
    elif runs == "none":
        assert shown == WITHOUT_RUNS.get(number, set())
    assert shown <= FULL[number]
    assert missing(drawn) > 0 or runs != "none"
    assert missing(drawn) == 0 or not (runs == "everything" and number in (2, 3, 4, 6, 7, 8, *range(11, 20)))


def test_the_axes_of_ranks_are_inverted_and_counts_stand_where_they_belong():
    counts = numpy.zeros((100, 100), int)
    counts[0, 99] = 7  # most active elsewhere, least active within a task
    run = constructed_activity.single()
    noted = run["activity_imagenet"]
    noted.values["rank_rank_c3"][:] = counts
    drawn = figure(2, run)
    grow = axis(drawn, "Grow")
    end = numpy.log10(noted.of("synapses")[0, 2])
    assert grow.get_xlim() == pytest.approx((end, 0)) and grow.get_ylim() == pytest.approx((end, 0))
    (image,) = grow.images
    assert image.get_extent() == pytest.approx((0, end, 0, end)) and image.origin == "lower"
    assert image.get_array()[99, 0] == 7 and image.get_array().sum() == 7  # rows are y, the task-specific rank
    table = values(2, run).set_index(["panel", "quantity"])["mean"].to_dict()
    assert table["A, Grow", "synapses counted"] == 7 and table["A, Grow", "share on the diagonal"] == 0
    assert axis(drawn, "Bursting").get_xlim() == (0, 1)


def test_a_modular_network_is_off_the_diagonal_and_grow_of_shared_bursts_is_on_it():
    table = values(2, MADE["everything"]()).set_index(["panel", "quantity"])["mean"].to_dict()
    assert table["A, modular", "share on the diagonal"] < 0.3 < table["A, Grow", "share on the diagonal"]
    counts = fig2.modular(1000)
    assert (
        counts[-34:, :34].sum() > 10 * counts[:34, :34].sum()
    )  # what is active within a task is least active elsewhere


def test_regulation_is_of_the_run_that_recalls_most_with_its_line():
    run = MADE["everything"]()
    noted = run["activity_imagenet"].of("regulation_c3", condition="grow", meta_learning_set="rich")
    edges, share = activity.ccdf(noted[1])  # seed 1 recalls most
    x, y = line(axis(figure(2, run), "B"), "Grow")
    assert x == pytest.approx(edges[1 : len(x) + 1]) and y == pytest.approx(share[1 : len(y) + 1])
    table = values(2, run)
    rows = table[(table["panel"] == "B") & (table["series"] == "Grow")]
    assert rows.loc[rows["quantity"] == "share of masks", "mean"].tolist() == pytest.approx(y.tolist())
    slope, r2 = activity.power_law(edges, share)
    assert rows.set_index("quantity")["mean"][["slope", "R^2"]].tolist() == pytest.approx([slope, r2])
    assert {"Grow", "Sculpt", "bias 4"} == set(table.loc[table["panel"] == "B", "series"])
    panel = axis(figure(2, run), "C")
    edges, share = activity.ccdf(run["activity_imagenet"].of("regulation_c3", meta_learning_set="scarce")[1])
    (dashed,) = [numpy.log10(line.get_data()) for line in panel.lines if line.get_linestyle() == "--"]
    assert numpy.diff(dashed[1]) / numpy.diff(dashed[0]) == pytest.approx(activity.power_law(edges, share)[0])


def test_bursts_are_shares_of_images_with_a_mean_over_runs():
    run = MADE["everything"]()
    sizes = run["activity_imagenet"].of("bursts_c3", condition="grow", meta_learning_set="rich")
    panel, table = axis(figure(4, run), "D"), values(4, run)
    rows = table[(table["panel"] == "D") & (table["series"] == "T = 0.25")].set_index("x")
    expected = {at: 100 * (sizes[:, 1] >= at).mean() for at in rows.index}
    assert rows["mean"].to_dict() == pytest.approx(expected) and set(rows["n"]) == {3}
    x, y = line(panel, "T = 0.25")
    assert dict(zip(x, y, strict=True)) == pytest.approx({at: share for at, share in expected.items() if share})
    assert panel.get_xscale() == panel.get_yscale() == "log"


def test_percentiles_are_medians_in_a_band_of_runs():
    table = values(4, MADE["everything"]())
    last = table[(table["panel"] == "A") & (table["series"] == "Q = 50") & (table["x"] == 300)].set_index("quantity")
    runs = 1e-4 * (numpy.arange(3) + 31)
    for q, name in ((20, "20th percentile"), (50, "median"), (80, "80th percentile")):
        assert last["mean"][f"{name} of 3 runs"] == pytest.approx(numpy.percentile(runs, q))


def test_windows_and_centiles_keep_their_signs_and_order():
    run = MADE["everything"]()
    noted, drawn = run["activity_imagenet"], figure(5, run)
    change = noted.of("following_classes", condition="grow", meta_learning_set="rich").mean(0)
    for sign, own in zip(("positive", "negative"), change, strict=True):
        x, y = line(axis(drawn, "B"), sign)
        assert y == pytest.approx(own) and x[-1] == pytest.approx(10)
    r = noted.of("upstream_correlation", condition="grow", meta_learning_set="rich").mean(0)
    (image,) = axis(drawn, "E").images
    assert image.origin == "lower" and numpy.asarray(image.get_array()) == pytest.approx(r.T)  # highest centile on top


def test_the_papers_numbers_stand_beside_ours():
    def diamonds(axis):
        markers = [container.lines[0] for container in axis.containers if hasattr(container, "lines")]
        return sorted((*m.get_xdata(), *m.get_ydata()) for m in markers if m.get_marker() == "D" and len(m.get_xdata()))

    none = MADE["none"]()
    assert diamonds(axis(figure(6, none), "B")) == [(-8, 92.2), (0, 57.5)]
    assert diamonds(axis(figure(7, none), "B")) == [(-8, 91.1), (0, 54.7)]
    assert diamonds(axis(figure(9, none), "A")) == [(100, 14.6), (100, 37), (100, 54.7), (100, 91.1)]
    training = {(-0.2, 88.9), (0.8, 95.2), (3.8, 15.1), (4.8, 29.3)}
    held_out = {(0.2, 65.06), (1.2, 43.8), (2.2, 53.75), (3.2, 63.5), (4.2, 2.6), (5.2, 30.6)}
    assert set(diamonds(axis(figure(9, none), "B"))) == training | held_out
    assert diamonds(axis(figure(10, none), "F")) == [(1, 9)]


def test_recall_of_cifar100_is_of_the_meta_learning_set_of_its_panel():
    last = values(9, MADE["everything"]()).query("x == 100").set_index(["panel", "series"])
    assert last["mean"].filter(like="A,").to_dict() == pytest.approx(
        {("A, rich", "Grow"): 85, ("A, rich", "Sculpt"): 40, ("A, rich", "OML"): 14, ("A, scarce", "Grow"): 85}
    )
    assert last["n"]["A, rich", "Grow"] == 3 and last["n"]["A, scarce", "Grow"] == 2


def test_bars_are_of_the_variants_and_of_the_controls():
    table = values(5, MADE["everything"]()).query("panel == 'C'").set_index("series")
    assert table["mean"].to_dict() == pytest.approx(
        {"enhancing": 60.1, "diminishing": 50.1, "mixed": 80.1, "random": 85, "CP only": 70.1}
        | {"Reservoir": 20, "No Reg.": 30}
    )
    assert table["n"].to_dict() == dict.fromkeys(table.index, 3) | {"Reservoir": 1, "No Reg.": 1}


def test_retention_and_adaptation_are_of_the_thirds_of_each_run():
    run = MADE["everything"]()
    noted = run["activity_imagenet"]
    for panel, changed in (("F", "recall_changes"), ("G", "probability_changes")):
        means, changes = (
            noted.of(name, condition="grow", meta_learning_set="rich") for name in ("mean_masks", changed)
        )
        expected = 100 * numpy.mean([agreement.by_processing(*pair) for pair in zip(means, changes)], axis=0)
        table = values(5, run).query("panel == @panel").set_index("series")
        assert table["mean"][["diminished", "enhanced"]].tolist() == pytest.approx(expected.tolist())
        assert set(table["n"]) == {3}


def test_windows_are_of_the_best_run_with_diminishing_and_with_enhancing_images():
    drawn = figure(10, MADE["everything"]())
    for panel, variant in (("A", "diminishing"), ("B", "enhancing")):
        (image,) = axis(drawn, panel).images
        assert image.get_array().max() == VARIANTS.index(variant) + 1 + 10  # seed 1 recalls most


def test_windows_are_of_a_run_that_has_them_though_another_recalls_more():
    run = MADE["everything"]()
    noted = run["variant_activity"]
    others = (noted.runs["seed"] != 1).to_numpy()
    lacking = Arrays(noted.runs[others], {name: array[others] for name, array in noted.values.items()})
    drawn = figure(
        10, constructed_activity.tables(**{name: run[name] for name in READERS} | {"variant_activity": lacking})
    )
    (image,) = axis(drawn, "A").images
    assert image.get_array().max() == VARIANTS.index("diminishing") + 1 + 20  # seed 2 recalls more than seed 0


def test_ranks_of_images_are_those_of_all_models_with_their_correlation():
    table = values(10, MADE["everything"]()).query("panel == 'E'").set_index("quantity")
    assert table["mean"]["images"] == 3 * 75
    assert table["mean"]["Spearman's rho"] == pytest.approx(1) and table["n"]["Spearman's rho"] == 3


def test_shared_images_are_shares_of_a_class_with_the_spread_over_classes():
    table = values(10, MADE["everything"]()).query("panel == 'F'").set_index(["series", "x"])
    assert table["mean"]["diminishing"].tolist() == pytest.approx([0, 0, 100 / 6])  # a sixth, in all three models
    assert table["sd"]["diminishing"].tolist() == [0, 0, 0] and set(table["n"]["enhancing"]) == {5}
    assert (table["mean"]["enhancing"] * [1, 2, 3]).sum() == pytest.approx(3 * 100 / 6)
    assert table["mean"]["chance"].tolist() == pytest.approx([100 * 75 / 216, 100 * 15 / 216, 100 / 216])
    assert not (values(10, MADE["single"]())["panel"] == "F").any()


def test_bars_of_omniglot_stand_in_the_place_of_their_method():
    table = values(9, MADE["everything"]()).query("panel == 'B'").set_index("series")
    assert table["mean"].to_dict() == pytest.approx(
        {"ANML, training": 88, "fixed, training": 80, "ANML, held out": 65, "fixed, held out": 54}
    )
    assert set(table["x"]) == {30}
    panel = axis(figure(9, MADE["everything"]()), "B")
    assert panel.get_title("left") == "B  Omniglot, 30 classes"
    drawn = sorted((round(bar.get_x() + bar.get_width() / 2, 3), bar.get_height()) for bar in panel.patches)
    assert drawn == [(-0.2, 88), (0.2, 65), (1.8, 80), (2.2, 54)]


def test_held_out_accuracy_is_in_percent_by_classes_learned():
    table = values(9, MADE["everything"]()).query("panel == 'E'").set_index(["series", "x"])["mean"]
    assert table.to_dict() == pytest.approx(
        {(name, classes): (classes + 1) / 10 for name in ("Grow", "OML") for classes in (1, 10, 100)}
    )


def test_a_gallery_shows_every_model_and_beyond_its_limit_not_the_best():
    run = MADE["everything"]()
    assert values(11, run)["series"].unique().tolist() == ["seed 0", "seed 1", "seed 2"]
    _, limited = fig11.gallery("c3", "rich", ["imagenet"], 2)
    assert limited(run)["series"].unique().tolist() == ["seed 0", "seed 2"]  # seed 1 recalls most
    assert values(17, run).groupby("panel")["series"].unique().map(list).to_dict() == {
        "imagenet": ["seed 0", "seed 1"],
        "cifar100": ["seed 0", "seed 1"],
    }


def test_the_schematic_has_the_shapes_of_the_runs_that_their_record_names():
    run = constructed_activity.single()
    wide = dataclasses.asdict(SMOKE.network) | {"channels": 2 * SMOKE.network.channels}
    run.records["activity_imagenet"] = {"protocol": {"network": wide}}
    assert values(3, run).set_index("panel")["mean"]["A"].tolist() == [*Widths(**wide).mask_sizes.values()]


def test_the_schematic_has_the_models_shapes_and_a_runs_masks():
    table = values(3, MADE["everything"]()).set_index(["panel", "series"])["mean"]
    masks = Tsar(SMOKE.network, -8, torch.Generator()).context(torch.zeros(1, 3, 28, 28))[1:]
    assert table["A"].tolist() == [own.shape[1] for own in masks]
    assert table["C", "start"].tolist() == pytest.approx([1 / (1 + numpy.exp(8))] * 48)
    noted = MADE["everything"]()["activity_imagenet"].of("regulation_c3", condition="grow", meta_learning_set="rich")
    share = activity.ccdf(noted[1])[1]
    masks = numpy.sort(table["C", "transfer"])
    for at, place in ((24, 0.5 + 0.5 / 48), (47, 1 - 0.5 / 48)):
        assert 1 - share[round(masks[at] / 1.001 * 1000)] <= place  # so many of all masks lie below it
    assert (masks[1:] >= masks[:-1]).all() and masks[-1] > masks[0]


def test_tables_without_arrays_are_read_as_no_runs():
    run = Tables({}, {}, READERS, SMOKE)
    assert values(11, run).empty and missing(figure(11, run)) == 1
