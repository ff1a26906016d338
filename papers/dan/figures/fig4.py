"""Figure 4: losses in deployment, of meta-trained and random phenotypes (top), and in meta-training (bottom)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy
import pandas
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from common.drawing import plotting
from common.results.readers import Tables, chosen
from papers.dan import results
from papers.dan.conditions import NETWORKS, SHARING, Look
from papers.dan.protocol import TASKS

PANELS = {
    "total": "Deployment: total loss, mean of all sub-tasks",
    "memory": "Deployment: memory loss, mean of the sub-tasks so far",
    "sharing": "Meta-training: memory loss by who shares a phenotype",
    "channels": "Meta-training: memory loss by number of channels",
}
BINS = 20  # a point of the lower panels is the mean of 5 % of the sequences: functions differ, so single ones are noisy
CAPTION = (
    "Geometric mean over seeds with a band of one SD of the logarithms over seeds (fewer than 3 seeds: thin lines, one"
    " each). Top: each seed's loss is the mean over the held-out functions;\n"
    "mean and SD over functions and seeds are in the values beside this figure, since mean − SD can be below zero."
    " Vertical lines: a new sub-task begins.\n"
    "Bottom: each point is the mean of 5 % of a run's sequences; the names net0 to net2 mean other networks"
    " than above, as in the paper. The paper reports no numbers for this figure."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 4: total (top left) and memory loss (top right) in deployment of six networks; memory loss in
    meta-training by sharing (bottom left) and by number of channels (bottom right)."""
    curves = _curves(tables)
    figure = Figure(figsize=(10.2, 6.2))
    axes = dict(zip(PANELS, figure.subplots(2, 2).flat, strict=True))
    for panel, axis in axes.items():
        own, in_deployment = curves[curves["panel"] == panel], panel in ("total", "memory")
        axis.set_title(PANELS[panel] + _start(tables) * (panel == "channels"), pad=13 if in_deployment else 6)
        axis.set(xlabel="Update" if in_deployment else "Meta-update", ylabel="Mean squared error")
        if own.empty:
            axis.set(xticks=[], yticks=[])
            plotting.no_runs(axis)
            continue
        _draw_panel(axis, own, panel)
        if in_deployment:
            _draw_tasks(axis, own["x"].max())
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: panel, condition, x (updates or meta-updates), geometric_mean over n seeds, the ends
    low and high of its band (nan if n = 1); of deployments also mean_of_functions and sd_of_functions, over seeds too.

    panel: total, memory (condition: net0 to net5), sharing (network, layer, none) or channels (their number).
    """
    rows = []
    for (panel, condition, x), point in _curves(tables).groupby(["panel", "condition", "x"], sort=False):
        own = results.geometric(dict(zip(point["seed"], point["loss"], strict=True)))
        ends = own.mean / own.sd, own.mean * own.sd
        rows.append((panel, condition, x, own.mean, *ends, own.n, *_over_functions(point)))
    band = ["geometric_mean", "low", "high", "n"]
    return pandas.DataFrame(rows, columns=["panel", "condition", "x", *band, "mean_of_functions", "sd_of_functions"])


def _over_functions(point: pandas.DataFrame) -> tuple[float, float]:
    """Return mean and SD (ddof 1) over the functions of all seeds together, from those of each seed (nan without)."""
    means, sds, counts = point["loss"], point["sd"], point["functions"]
    mean = (counts * means).sum(skipna=False) / counts.sum(skipna=False)
    squares = ((counts - 1) * sds**2 + counts * (means - mean) ** 2).sum(skipna=False)
    return float(mean), float((squares / (counts.sum() - 1)) ** 0.5)


def _curves(tables: Tables) -> pandas.DataFrame:
    """Every seed's curves: panel, condition, seed, x and loss, in the order in which panels and legends show them.

    Of deployments, where the loss is a mean over functions, also the sd over them and their number.
    """
    curves, meta = tables["curves"], tables["meta"]
    parts = [
        _part(panel, network, chosen(curves, quantity=panel, network=network), "update", "mean")
        for panel in ("total", "memory")
        for network in NETWORKS
    ]
    shown = [("sharing", sharing, sharing, results.shared_channels(tables)) for sharing in SHARING]
    shown += [("channels", str(count), "network", count) for count in results.swept_channels(tables)]
    for panel, condition, sharing, count in shown:
        log = binned(chosen(meta, sharing=sharing, n_channels=count))
        parts.append(_part(panel, condition, log, "updates", "loss"))
    return pandas.concat(parts, ignore_index=True)


def binned(meta: pandas.DataFrame) -> pandas.DataFrame:
    """Return each seed's log averaged over bins of neighbouring sequences: seed, updates and loss."""
    sequences = numpy.sort(meta["sequence"].unique())
    count = min(BINS, len(sequences))
    place = {sequence: index * count // len(sequences) for index, sequence in enumerate(sequences)}
    means = meta.groupby(["seed", meta["sequence"].map(place)])[["updates", "loss"]].mean()
    return means.droplevel(1).reset_index()


def _part(panel: str, condition: str, table: pandas.DataFrame, x: str, loss: str) -> pandas.DataFrame:
    """Return a table as part of `_curves`; x, loss: its columns for these."""
    named = table.rename(columns={x: "x", loss: "loss"}).reindex(columns=["seed", "x", "loss", "sd", "functions"])
    numbers = dict.fromkeys(["x", "loss", "sd", "functions"], float)
    return named.astype(numbers).assign(panel=panel, condition=condition)


def _draw_panel(axis: Axes, curves: pandas.DataFrame, panel: str) -> None:
    """Draw each condition of a panel as the geometric mean over its seeds with a band."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())
    for place, (condition, look) in enumerate(_looks(panel, list(curves["condition"].unique())).items()):
        runs = curves[curves["condition"] == condition].pivot(index="seed", columns="x", values="loss")
        name = plotting.name_with_runs(look.label, len(runs))
        if runs.empty:
            axis.plot([], [], label=name, color=look.color, linestyle=look.linestyle)
            continue
        line = len(axis.lines)
        plotting.band(axis, runs.columns.to_numpy(), runs.to_numpy(), name, look.color, geometric=True)
        axis.lines[line].set(linestyle=look.linestyle, zorder=3 - place / 10)  # the first on top
    axis.set_xlim(0, curves["x"].max())
    low, high = axis.dataLim.intervaly  # of lines and bands
    low, high = low / 1.1, high * 1.1
    if panel == "sharing":
        high *= (high / low) ** 0.25  # the legend's room
        axis.legend(loc="upper right", borderaxespad=0.2)
    elif panel != "total":  # whose legend is that of the panel to the right
        axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, labelspacing=0.8)
    axis.set_ylim(low, high)
    axis.grid(axis="y", color="0.92", linewidth=0.6)
    if panel not in ("total", "memory"):
        axis.xaxis.set_major_formatter(lambda update, _: f"{update:,.0f}")
        axis.locator_params(axis="x", nbins=5)


def _start(tables: Tables) -> str:
    """Return how the weights of VECs and DANs start, on which the panel of channels hangs; nothing if that is not known."""
    settings = tables.records.get("meta", {}).get("protocol", {}).get("regression")
    if settings is None:
        return ""
    by_torch = settings.get("torch_start", [])
    vecs, dans = ("torch's defaults" if part in by_torch else "Glorot's rule" for part in ("vecs", "dans"))
    return f"\n(weights start by {vecs})" if vecs == dans else f"\n(VECs start by {vecs}, DANs by {dans})"


def _looks(panel: str, conditions: list[str]) -> Mapping[str, Look]:
    """Return how the lines of a panel are drawn and what they are called, in the order of its legend."""
    if panel != "channels":
        return SHARING if panel == "sharing" else NETWORKS
    shades = colormaps["viridis_r"](numpy.linspace(1, 0.12, len(conditions))[::-1])  # the more channels, the darker
    return {
        count: Look(f"{count} channel{'s' if count != '1' else ''}", to_hex(shade), "-")
        for count, shade in zip(conditions, shades, strict=True)
    }


def _draw_tasks(axis: Axes, last: float) -> None:
    """Draw where a new sub-task begins, and the sub-tasks' numbers above."""
    for task in range(TASKS):
        axis.axvline(last * task / TASKS, color="0.85", linewidth=0.6, zorder=0)
        plotting.above(axis, last * (task + 0.5) / TASKS, f"sub-task {task + 1}", fontsize=6.5)
