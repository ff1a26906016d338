"""The figures and the table that the paper lacks: they show the tables they are given."""

from __future__ import annotations

import pandas
import pytest

from common.drawing import plotting
from papers.tsar.conditions import COLORS
from papers.tsar.figures import fig_recall, fig_transfer, table_tuning, table_untrained
from tests.papers.tsar import constructed_activity
from tests.papers.tsar.constructed import REPORTED, measured, runs, table, tables

GROW = {"condition": "grow", "meta_learning_set": "rich"}
DIAGNOSTICS = pandas.concat(
    measured(GROW | {"quantity": quantity}, "classes", lambda seed, number: {"value": number / 100})
    for quantity in ("recall of the class", "loss", "CP mask", "feature", "active encodings")
)
MEASURED = tables(
    table(runs("grow", "rich", 80, 90)),
    diagnostics=DIAGNOSTICS,
    final_recall=measured(GROW, "position", lambda seed, number: {"label": number, "recall": seed / 10}),
)
SNAPSHOTS = tables(
    snapshots=table(
        runs("grow", "rich", 20, 30, iterations=3000, early=60),
        runs("grow", "rich", 80, 90, iterations=25000),
        runs("sculpt", "rich", 40, iterations=3000),
    )
)


def lines(axis, condition):
    return [list(line.get_ydata()) for line in axis.lines if line.get_color() == COLORS[condition]]


def test_transfer_shows_every_quantity_in_its_own_panel():
    with plotting.style():
        *panels, _ = fig_transfer.draw(MEASURED, REPORTED).axes
    means = {
        quantity: rows.set_index("x")["mean"].tolist()
        for quantity, rows in fig_transfer.values(MEASURED).groupby("quantity")
    }
    assert means["retention"] == pytest.approx([100, 98, 85])
    assert means["final recall"] == pytest.approx([5, 5, 5])
    assert means["recall of the class"] == means["active encodings"] == pytest.approx([5.5, 15.5, 23])
    assert means["loss"] == means["CP mask"] == means["feature"] == pytest.approx([0.055, 0.155, 0.23])
    for quantity, axis in zip(fig_transfer.TITLES, panels, strict=True):
        assert lines(axis, "grow")[0] == pytest.approx(means[quantity])
        assert not lines(axis, "sculpt")


def test_recall_is_shown_after_each_length_at_the_end_and_averaged():
    with plotting.style():
        final, averaged = fig_recall.draw(SNAPSHOTS, REPORTED).axes
    values = fig_recall.values(SNAPSHOTS).set_index(["recall", "condition", "x"])["mean"].sort_index()
    assert values["final", "grow"].to_dict() == pytest.approx({3000: 25, 25000: 85})
    assert values["averaged", "grow"].to_dict() == pytest.approx(
        {3000: (100 + 60 + 25) / 3, 25000: (100 + 98 + 85) / 3}
    )
    assert values["averaged", "sculpt"].to_dict() == pytest.approx({3000: (100 + 98 + 40) / 3})
    assert lines(final, "grow")[0] == pytest.approx([25, 85])
    assert [92.2, 92.2] in lines(final, "grow") and [57.5, 57.5] in lines(final, "sculpt")
    assert lines(averaged, "grow")[0] == pytest.approx(values["averaged", "grow"].tolist())
    assert final.get_xticks().tolist() == [3000, 25000]
    shown = [text.get_text() for text in final.get_figure().legends[0].get_texts()]
    assert shown == ["Grow (n = 2)", "Sculpt (n = 1)", "paper, Grow", "paper, Sculpt"]


def test_an_untrained_network_stands_at_the_left_of_a_logarithmic_axis():
    lengths = [runs("grow", "rich", 2, iterations=0), runs("grow", "rich", 20, iterations=3000)]
    with plotting.style():
        final, _ = fig_recall.draw(tables(snapshots=table(*lengths)), REPORTED).axes
    assert final.get_xticks().tolist() == [0, 3000] and final.get_xlim()[0] < 0
    assert final.get_xscale() == "symlog"


def test_the_untrained_control_has_its_own_statistics():
    few, many = [("grow", "rich", seed) for seed in range(2)], [("grow", "rich", seed) for seed in range(3)]
    run = {
        "activity_untrained": constructed_activity.arrays("imagenet", *few),
        "activity_imagenet": constructed_activity.arrays("imagenet", *many, ("sculpt", "rich", 0)),
    }
    cells = table_untrained.draw(constructed_activity.tables(**run), REPORTED).cells
    assert cells["network"].tolist() == ["untrained", "meta-learned"] * len(table_untrained.STATISTICS)
    shared = cells[cells["statistic"].str.contains("Spearman")].set_index("network")
    assert shared["n"].to_dict() == {"untrained": 2, "meta-learned": 3}
    for network, name in table_untrained.NETWORKS.items():
        planted = run[name].of("rank_correlation_c3", condition="grow")
        assert shared["mean"][network] == pytest.approx(100 * planted.mean())
    nearest = cells[cells["statistic"].str.contains("neighbour")].set_index("network")["mean"]
    assert nearest["untrained"] == pytest.approx(
        100 * run["activity_untrained"].values["nearest_neighbours"][:, 0].mean()
    )


def test_the_rate_with_the_best_average_is_marked_and_of_two_the_larger():
    rows = [
        {
            "seed": 1000,
            **GROW,
            "iterations": length,
            "dataset": "imagenet",
            "learning_rate": rate,
            "recall": final,
            "mean_recall": averaged,
        }
        for length, rate, final, averaged in [(12, 1e-4, 0.9, 0.2), (12, 1e-3, 0.1, 0.3), (6, 1e-4, 0.1, 0.2)]
        + [(6, 1e-3, 0.1, 0.2)]
    ]
    drawn = table_tuning.draw(tables(tune=pandas.DataFrame(rows)), REPORTED)
    assert drawn.cells["iterations"].tolist() == [6, 6, 12, 12]
    assert drawn.cells["learning_rate"].tolist() == ["0.001", "0.0001"] * 2
    assert drawn.cells["chosen"].tolist() == ["*", "", "*", ""]
    assert drawn.exact["recall"].tolist() == pytest.approx([10, 10, 10, 90])
