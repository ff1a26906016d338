"""Figure 9: recall of CIFAR-100, 600 Omniglot classes, the sizes of bursts in C1 and C2, and test accuracy on ImageNet."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.drawing.plotting import PALETTE, TINY, counted, reported_marker
from common.results import readers
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summary
from papers.tsar import results
from papers.tsar.compare import METHODS
from papers.tsar.compare import OMNIGLOT as ON_OMNIGLOT
from papers.tsar.conditions import colors, label
from papers.tsar.figures import fig4, panels
from papers.tsar.figures.fig6 import reported_recall
from papers.tsar.figures.panels import Row

OMNIGLOT = {  # bars of panel B: name in the figure -> condition and variant
    "ANML": ("anml", "plain"),
    "Grow": ("grow", "plain"),
    "fixed": ("grow", "cp_only"),
    "IID": ("grow", "cp_only_iid"),
    "Sculpt": ("sculpt", "plain"),
    "OML": ("oml", "plain"),
}
ACCURACIES = {
    "recall": ("training", -0.2, "0.75"),
    "held_out": ("held out", 0.2, PALETTE["blue"]),
}  # name, place, colour
CAPTION = (
    "A: recall while 100 classes of CIFAR-100 are learned, mean and SD over models (single runs below three). B: accuracy on"
    " the drawings of unseen Omniglot classes that were learned one by one (training), and on others of the same classes (held out)."
    " Mean, SD and runs. Fixed: Grow without learning in the regulator's maps to C1, C2 and C3. IID: the same, in shuffled epochs. The"
    " paper: 600 classes, 15 drawings each to train and 5 held out, three epochs. Hollow diamonds: what the paper reports in the end, with SD where it gives one. C, D:"
    " images of ImageNet at which at least so many synapses receive regulation above T, Grow. Dots: runs; dash-dot: their mean. The"
    " paper does not name the layers; C3 is in Figure 4. E: accuracy on further images of the classes learned so"
    " far, none of which was learned; the paper gives no numbers."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes, drawn = panels.noted_of(tables), panels.axes_of(figure, "RSB", "CDE"), {}
    for key, name, letter in (("R", "rich", "A  "), ("S", "scarce", "")):
        axes[key].set_title(f"{letter}CIFAR-100, data-{name}")
        drawn[f"A, {name}"] = _curves(axes[key], tables, name, reported)
    drawn["B"] = _omniglot(axes["B"], tables, reported)
    classes = int(drawn["B"][0][2]) if drawn["B"] else 600
    axes["B"].set_title(f"B  Omniglot, {classes} classes")
    for panel, layer in (("C", "c1"), ("D", "c2")):
        axes[panel].set_title(f"{panel}  Size of bursts, {layer.upper()}" + plotting.counted([len(grow.seeds)]))
        drawn[panel] = fig4.bursts(axes[panel], grow, layer)
    axes["E"].set_title("E  ImageNet, test accuracy")
    return drawn | {"E": _held_out(axes["E"], tables)}


def _curves(axis: Axes, tables: Tables, meta_learning_set: str, reported: pandas.DataFrame) -> list[Row]:
    """Recall of CIFAR-100 by the number of classes learned."""
    axis.set(xlabel="Classes learned", ylabel="Recall (%)", xlim=(0, 103), ylim=(-2, 205))
    axis.set(xticks=range(0, 101, 20), yticks=range(0, 101, 20))  # with room for the legend above
    rows: list[Row] = []
    of = colors({"anml", *tables["transfer_cifar100"]["condition"]})
    for condition, color in of.items():
        runs = results.curves(tables, condition, meta_learning_set, "cifar100")
        name = {"anml": "ANML"}.get(condition, label(condition))
        if len(runs):
            plotting.band(axis, runs.columns.to_numpy(), runs.to_numpy(), name + counted([len(runs)]), color)
            rows += [(name, "recall (%)", x, own.tolist()) for x, own in runs.items()]
        else:
            axis.plot([], [], color=color, label=f"{name}: no runs")
    for row in reported_recall(reported, "cifar100", meta_learning_set).itertuples():
        reported_marker(axis, row.x, row.value, row.spread, of[row.method.lower()])
    axis.legend(loc="upper left", **panels.SHORT)
    return rows


def _held_out(axis: Axes, tables: Tables) -> list[Row]:
    """Accuracy on images of ImageNet that were not learned, by the number of classes learned."""
    axis.set(xlabel="Classes learned", ylabel="Accuracy (%)")
    rows: list[Row] = []
    for condition, color in colors(tables["diagnostics"]["condition"]).items():
        runs = results.held_out(tables, condition)
        if len(runs):
            plotting.band(
                axis, runs.columns.to_numpy(), runs.to_numpy(), label(condition) + counted([len(runs)]), color
            )
            rows += [(label(condition), "accuracy (%)", x, own.tolist()) for x, own in runs.items()]
    if not rows:
        return panels.empty(axis)
    axis.set_ylim(bottom=0)
    axis.legend(loc="best", **panels.SHORT)
    return rows


def _omniglot(axis: Axes, tables: Tables, reported: pandas.DataFrame) -> list[Row]:
    """Accuracy after the last class on drawings that were learned, and on others: mean, SD and runs, beside the paper's."""
    axis.set(ylabel="Accuracy (%)", ylim=(0, 175), yticks=range(0, 101, 20), xlim=(-0.6, len(OMNIGLOT) - 0.4))
    axis.set_xticks(range(len(OMNIGLOT)), [*OMNIGLOT], fontsize=TINY)
    rows: list[Row] = []
    for accuracy, (name, shift, color) in ACCURACIES.items():
        for place, (method, of) in enumerate(OMNIGLOT.items()):
            if len(runs := results.omniglot(tables, *of, accuracy)):
                values = runs.iloc[:, -1].tolist()
                error = summary(values).sd if len(values) > 1 else None
                axis.bar([place + shift], [summary(values).mean], 0.4, yerr=error, color=color, capsize=2)
                axis.plot([place + shift] * len(values), values, ".", color="black", markersize=2.5, alpha=0.5)
                rows.append((f"{method}, {name}", "accuracy (%)", runs.columns[-1], values))
        axis.plot([], [], "s", color=color, label=name)
    for row in readers.chosen(reported_numbers.results(reported), artifact="fig9", x=600, unit="%").itertuples():
        place = [*OMNIGLOT.values()].index(METHODS[row.method])
        shift = ACCURACIES[ON_OMNIGLOT[row.quantity]][1]
        reported_marker(axis, place + shift, row.value, row.spread, "black", label="paper")
    if not rows:
        axis.plot([], [], linestyle="", label=f"ours: {plotting.NO_RUNS}")
    axis.legend(loc="upper left", **panels.SHORT)
    return rows


draw, values = panels.made_by(_fill, (7.2, 5.2), CAPTION)
