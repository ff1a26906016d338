"""Figure 1: recall while 100 ImageNet classes are learned one after the other, and after them by initial bias."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.drawing import plotting
from common.drawing.plotting import name_with_runs, no_runs
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries, summary
from papers.tsar import results
from papers.tsar.conditions import COLORS, LABELS, OTHER, colors, label
from papers.tsar.protocol import NAMED_BIASES, with_initial_bias

TITLES = {"A": "A  Data-rich", "B": "B  Data-scarce", "C": "C  Data-rich, by bias"}
NARROW = 0.6  # the width of a panel with few runs, against 1
CAPTION = (
    "A, B: after meta-learning on rich or scarce data, mean and SD over seeds (single runs where there are fewer than three).\n"
    "C: recall after the last class by the regulator's initial bias (Grow: -8, Sculpt: 0), mean and SD; dots are runs.\n"
    "Hollow diamonds: what the paper reports after 100 classes, with SD; for panel B it gives no ImageNet numbers."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 1. A panel that lacks most of its runs is narrow; each panel says which runs it lacks."""
    plotted = values(tables)
    by_panel = {panel: set(plotted.loc[plotted["panel"] == panel, "condition"]) for panel in TITLES}
    is_narrow = [False, by_panel["B"] <= {"scratch"}, by_panel["C"] <= set(NAMED_BIASES)]  # Scratch is that of panel A
    figure = Figure(figsize=(7.2, 3.6))
    panels = figure.subplots(1, 3, sharey=True, width_ratios=[NARROW if narrow else 1 for narrow in is_narrow])
    for axis, (panel, meta_learning_set) in zip(panels, results.FIG1_SETS.items()):
        _draw_curves(axis, tables, meta_learning_set)
        _draw_reported(axis, reported, panel)
    _draw_biases(panels[2], results.final_by_bias(tables))
    for axis, title in zip(panels, TITLES.values(), strict=True):
        axis.set_title(title)
        axis.set(ylim=(-2, 102), yticks=range(0, 101, 20))
        _draw_chance(axis, tables["transfer"]["classes"])
    panels[0].set_ylabel("Recall of the classes so far (%)")
    _draw_legend(figure, panels[0], plotted)
    plotting.caption(figure, f"{CAPTION}\n{_meta_learned(tables)}")
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 plots: panel, condition, meta_learning_set (of the runs), x, mean, sd (nan if n = 1) and n.

    x is the number of classes learned in panels A and B and the initial regulatory bias in panel C.
    """
    rows = []
    for panel, meta_learning_set in results.FIG1_SETS.items():
        for condition in colors(tables["transfer"]["condition"]):
            stored = results.stored_set(condition, meta_learning_set)
            for classes, runs in results.curves(tables, condition, meta_learning_set).items():
                rows.append((panel, condition, stored, classes, runs))
    for bias, runs in results.final_by_bias(tables).items():
        rows.append(("C", with_initial_bias(bias), "rich", bias, runs))
    return summaries(rows, ["panel", "condition", "meta_learning_set", "x", "mean", "sd", "n"])


def _draw_curves(axis: Axes, tables: Tables, meta_learning_set: str) -> None:
    axis.set_xlabel("Classes learned")
    axis.set(xlim=(0, 103), xticks=range(0, 101, 20))
    missing = []
    drawn = colors(tables["transfer"]["condition"])
    for condition, color in drawn.items():
        table = results.curves(tables, condition, meta_learning_set)
        if table.empty:
            missing.append(label(condition))
        else:
            plotting.band(axis, table.columns.to_numpy(), table.to_numpy(), color=color)
    _say_missing(axis, missing, of=len(drawn))


def _draw_reported(axis: Axes, reported: pandas.DataFrame, panel: str) -> None:
    of_method = {name: COLORS[condition] for condition, name in LABELS.items()}
    for row in reported_numbers.results(reported, artifact="fig1", panel=panel).itertuples():
        plotting.reported_marker(axis, row.x, row.value, row.spread, of_method[row.method])


def _draw_biases(axis: Axes, final: dict[int, list[float]]) -> None:
    """Draw mean and SD at each bias, and around them the runs themselves as dots."""
    axis.set_xlabel("Initial regulatory bias")
    axis.set(xlim=(-13, 13), xticks=range(-12, 13, 4) if len(final) > len(NAMED_BIASES) else [*NAMED_BIASES.values()])
    for bias, runs in final.items():
        own, color = summary(runs), COLORS.get(with_initial_bias(bias), OTHER)
        aside = numpy.linspace(-0.3, 0.3, own.n) if own.n > 1 else numpy.zeros(1)
        axis.plot(bias + aside, runs, ".", color=color, markersize=2.5, alpha=0.4, markeredgewidth=0, zorder=2)
        sd = own.sd if own.n > 1 else None
        axis.errorbar([bias], [own.mean], sd, fmt="o", color=color, markersize=3.5, capsize=2, linewidth=1, zorder=3)
    others = [bias for bias in final if bias not in NAMED_BIASES.values()]
    _say_missing(axis, [] if others else ["other biases"], of=len(final) + 1)


def _say_missing(axis: Axes, missing: list[str], of: int) -> None:
    """Say inside a panel which runs it lacks; of: how many kinds there are."""
    if len(missing) == of:
        no_runs(axis)
    elif missing:
        text = f"{', '.join(missing)}:\n{plotting.NO_RUNS}"
        box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0}
        axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.35", bbox=box)


def _draw_chance(axis: Axes, classes: pandas.Series) -> None:
    if len(classes):
        chance = 100 / classes.max()
        label = f"chance after {classes.max()} classes ({chance:.2g} %)"
        axis.axhline(chance, color="0.3", linestyle=":", linewidth=0.8, zorder=1, label=label)


def _meta_learned(tables: Tables) -> str:
    """Say after how much meta-learning the conditions were transferred."""
    by_length: dict[str, list[str]] = {}
    lengths = results.meta_iterations(tables)
    for condition in [name for name in colors(lengths) if name in lengths and name != "scratch"]:
        by_length.setdefault(" or ".join(f"{length:,}" for length in lengths[condition]), []).append(label(condition))
    said = "; ".join(f"{', '.join(names)} {length}" for length, names in by_length.items())
    return f"Meta-iterations: {said or 'none'}."


def _draw_legend(figure: Figure, axis: Axes, plotted: pandas.DataFrame) -> None:
    """Put one legend above all panels: conditions with their numbers of runs, other biases, the paper's numbers, chance."""
    runs = plotted.groupby("condition")["n"].unique()
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=color), name_with_runs(label(condition), *runs.get(condition, [])))
        for condition, color in colors(plotted["condition"]).items()
    ]
    others = plotted.loc[(plotted["panel"] == "C") & ~plotted["condition"].isin(LABELS), "n"]
    point = Line2D(
        [], [], color=OTHER, marker="o", markersize=3.5, linestyle="", fillstyle="full" if len(others) else "none"
    )
    entries.append((point, name_with_runs("other biases", *others)))
    entries += zip(*axis.get_legend_handles_labels(), strict=True)
    figure.legend(*zip(*entries, strict=True), loc="outside upper center", ncols=4)
