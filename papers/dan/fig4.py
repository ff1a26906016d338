"""Figure 4: losses in deployment, of meta-trained and random phenotypes (top), and in meta-training (bottom)."""

from __future__ import annotations

import numpy
import pandas
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from common import collect, plotting
from common.collected import Tables
from common.plotting import PALETTE, SMALL, TINY
from papers.dan import collected, evidence
from papers.dan.conditions import NETWORKS, SHARING
from papers.dan.protocol import TASKS

PANELS = {
    "total": "Deployment: total loss, mean of all sub-tasks",
    "memory": "Deployment: memory loss, mean of the sub-tasks so far",
    "sharing": "Meta-training: memory loss by who shares a phenotype",
    "channels": "Meta-training: memory loss by number of channels",
}
BINS = 20  # a point of the lower panels is the mean of 5 % of the sequences: functions differ, so single ones are noisy
DEPLOYED = {
    "net0": {"color": PALETTE["blue"], "linestyle": "-"},
    "net1": {"color": PALETTE["sky"], "linestyle": "-"},
    "net2": {"color": PALETTE["vermilion"], "linestyle": "--"},
    "net3": {"color": PALETTE["orange"], "linestyle": "--"},
    "net4": {"color": PALETTE["green"], "linestyle": ":"},
    "net5": {"color": PALETTE["purple"], "linestyle": ":"},
}
SHARED = {
    "network": {"color": PALETTE["blue"], "linestyle": "-"},
    "layer": {"color": PALETTE["green"], "linestyle": "--"},
    "none": {"color": PALETTE["vermilion"], "linestyle": ":"},
}
CAPTION = (
    "Geometric mean over seeds with a band of one SD of the logarithms over seeds (fewer than 3 seeds: thin lines, one"
    " each). Top: each seed's loss is the mean over the held-out functions;\n"
    "mean and SD over functions and seeds are in the values beside this figure, since mean − SD can be below zero."
    " Vertical lines: a new sub-task begins.\n"
    "Bottom: each point is the mean of 5 % of a run's sequences; the names net0 to net2 mean other networks"
    " than above, as in the paper. The paper reports no numbers for this figure."
)


def fig4(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 4: total (top left) and memory loss (top right) in deployment of six networks; memory loss in
    meta-training by sharing (bottom left) and by number of channels (bottom right)."""
    runs = _runs(tables)
    with plotting.style():
        figure = Figure(figsize=(10.2, 6.2))
        axes = dict(zip(PANELS, figure.subplots(2, 2).flat, strict=True))
        for panel, axis in axes.items():
            found = runs[runs["panel"] == panel]
            axis.set_title(PANELS[panel], loc="left", fontsize=SMALL, pad=13 if panel in ("total", "memory") else 6)
            axis.tick_params(labelsize=TINY)
            axis.set_ylabel("Mean squared error", fontsize=SMALL)
            axis.set_xlabel("Update" if panel in ("total", "memory") else "Meta-update", fontsize=SMALL)
            if found.empty:
                axis.set(xticks=[], yticks=[])
                plotting.no_runs(axis)
                continue
            _draw(axis, found, panel)
            if panel in ("total", "memory"):
                _draw_tasks(axis, found["x"].max())
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig4_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: panel, condition, x (updates or meta-updates), geometric_mean over n seeds, the ends
    low and high of its band (nan if n = 1); of deployments also mean_of_functions and sd_of_functions, over seeds too.

    panel: total, memory (condition: net0 to net5), sharing (network, layer, none) or channels (their number).
    """
    rows = []
    for (panel, condition, x), found in _runs(tables).groupby(["panel", "condition", "x"], sort=False):
        own = evidence.geometric(dict(zip(found["seed"], found["loss"], strict=True)))
        ends = own.mean / own.sd, own.mean * own.sd
        rows.append((panel, condition, x, own.mean, *ends, own.n, *_over_functions(found)))
    band = ["geometric_mean", "low", "high", "n"]
    return pandas.DataFrame(rows, columns=["panel", "condition", "x", *band, "mean_of_functions", "sd_of_functions"])


def _over_functions(found: pandas.DataFrame) -> tuple[float, float]:
    """Return mean and SD (ddof 1) over the functions of all seeds together, from those of each seed (nan without)."""
    means, sds, counts = found["loss"], found["sd"], found["functions"]
    mean = (counts * means).sum(skipna=False) / counts.sum(skipna=False)
    squares = ((counts - 1) * sds**2 + counts * (means - mean) ** 2).sum(skipna=False)
    return float(mean), float((squares / (counts.sum() - 1)) ** 0.5)


def _runs(tables: Tables) -> pandas.DataFrame:
    """Every seed's curves: panel, condition, seed, x and loss, in the order in which panels and legends show them.

    Of deployments, where the loss is a mean over functions, also the sd over them and their number.
    """
    curves, meta = collected.table(tables, "curves"), collected.table(tables, "meta")
    parts = [
        _part(panel, network, _chosen(curves, quantity=panel, network=network), "update", "mean")
        for panel in ("total", "memory")
        for network in NETWORKS
    ]
    chosen = [("sharing", sharing, sharing, evidence.shared_channels(tables)) for sharing in SHARING]
    chosen += [("channels", str(count), "network", count) for count in evidence.swept_channels(tables)]
    for panel, condition, sharing, count in chosen:
        found = binned(_chosen(meta, sharing=sharing, n_channels=count))
        parts.append(_part(panel, condition, found, "updates", "loss"))
    return pandas.concat(parts, ignore_index=True)


def binned(meta: pandas.DataFrame) -> pandas.DataFrame:
    """Return each seed's log averaged over bins of neighbouring sequences: seed, updates and loss."""
    sequences = numpy.sort(meta["sequence"].unique())
    count = min(BINS, len(sequences))
    place = {sequence: index * count // len(sequences) for index, sequence in enumerate(sequences)}
    means = meta.groupby(["seed", meta["sequence"].map(place)])[["updates", "loss"]].mean()
    return means.droplevel(1).reset_index()


def _chosen(table: pandas.DataFrame, **values: object) -> pandas.DataFrame:
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def _part(panel: str, condition: str, found: pandas.DataFrame, x: str, loss: str) -> pandas.DataFrame:
    named = found.rename(columns={x: "x", loss: "loss"}).reindex(columns=["seed", "x", "loss", "sd", "functions"])
    numbers = dict.fromkeys(["x", "loss", "sd", "functions"], float)
    return named.astype(numbers).assign(panel=panel, condition=condition)


def _draw(axis: Axes, runs: pandas.DataFrame, panel: str) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())
    looks, names = _looks(panel, list(runs["condition"].unique()))
    for place, (condition, look) in enumerate(looks.items()):
        found = runs[runs["condition"] == condition].pivot(index="seed", columns="x", values="loss")
        name = plotting.name_with_runs(names[condition], len(found))
        if found.empty:
            axis.plot([], [], label=name, **look)
            continue
        line = len(axis.lines)
        plotting.band(axis, found.columns.to_numpy(), found.to_numpy(), name, look["color"], geometric=True)
        axis.lines[line].set(linestyle=look["linestyle"], zorder=3 - place / 10)  # the first on top
    axis.set_xlim(0, runs["x"].max())
    low, high = axis.dataLim.intervaly * (1 / 1.1, 1.1)  # of lines and bands
    inside = {"fontsize": TINY, "loc": "upper right", "borderaxespad": 0.2}
    outside = {"fontsize": TINY, "loc": "upper left", "bbox_to_anchor": (1.02, 1), "borderaxespad": 0}
    if panel == "sharing":
        high *= (high / low) ** 0.25  # the legend's room
        axis.legend(**inside)
    elif panel != "total":  # whose legend is that of the panel to the right
        axis.legend(**outside, labelspacing=0.8)
    axis.set_ylim(low, high)
    axis.grid(axis="y", color="0.92", linewidth=0.6)
    if panel not in ("total", "memory"):
        axis.xaxis.set_major_formatter(lambda update, _: f"{update:,.0f}")
        axis.locator_params(axis="x", nbins=5)


def _looks(panel: str, conditions: list[str]) -> tuple[dict[str, dict], dict[str, str]]:
    """Return how the lines of a panel are drawn and what they are called, in the order of its legend."""
    if panel == "sharing":
        return SHARED, SHARING
    if panel != "channels":
        return DEPLOYED, {name: network.label for name, network in NETWORKS.items()}
    shades = colormaps["viridis_r"](numpy.linspace(1, 0.12, len(conditions))[::-1])  # the more channels, the darker
    looks = {count: {"color": shade, "linestyle": "-"} for count, shade in zip(conditions, shades, strict=True)}
    return looks, {count: f"{count} channel{'s' if count != '1' else ''}" for count in conditions}


def _draw_tasks(axis: Axes, last: float) -> None:
    """Draw where a new sub-task begins, and the sub-tasks' numbers above."""
    for task in range(TASKS):
        axis.axvline(last * task / TASKS, color="0.85", linewidth=0.6, zorder=0)
        look = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "bottom", "color": "0.35"}
        axis.text(last * (task + 0.5) / TASKS, 1.01, f"sub-task {task + 1}", fontsize=6.5, **look)
