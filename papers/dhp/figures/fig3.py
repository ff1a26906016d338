"""Figure 3: eta, and the norms of the Hebbian trace and of the plasticity coefficients, while ten tasks are learned."""

from __future__ import annotations

import math

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries
from papers.dhp.figures.means import band
from papers.dhp.protocol import DHP, LOGGED
from papers.dhp.results import INITIAL_ETA

PANELS = {
    "eta": "a  Hebbian rate η",
    "hebb_norm": "b  Trace, ‖Hebb‖ (Frobenius)",
    "alpha_norm": "c  Plasticity, ‖α‖ (Frobenius)",
}
COLOR = plotting.PALETTE["blue"]
LINEAR = {"eta": 0.03, "hebb_norm": 50}  # beyond, in a panel where there are such values, the scale is logarithmic
TICKS = {
    "eta": (-1, -0.3, -0.1, -0.03, 0, 0.01, 0.02, 0.03, 0.1, 0.3, 1, 3, 10),
    "hebb_norm": (0, 10, 20, 30, 40, 50, *(10**power for power in range(2, 8))),
}
ALL = "all"  # seeds
COLUMNS = ["condition", "panel", "seed", "x", "mean", "sem", "n"]
BAND_FROM = 3  # seeds: with two the band is what lies between them
CAPTION = (
    "DHP Softmax on Permuted MNIST: each seed (thin), their mean (thick) and, from three seeds on, a band of one standard"
    " error; with standardised pixels below, where that was run. Vertical lines: a new task begins; its number stands above.\nThe paper states for η: that it begins at 0.001"
    " (dotted), reaches 0.024 in task 1 (diamond) and decays after task 3 (dashed). Where η leaves ±0.03, or Hebb exceeds 50,\n"
    "the axis is linear up to there and logarithmic beyond."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 3: eta (left), the Frobenius norm of Hebb (middle) and of alpha (right) against training steps.

    Runs with standardised pixels have a row of their own, where there are any.
    """
    log, plotted = tables["plasticity"], values(tables)
    conditions = [name for name in LOGGED[1] if name in set(log["condition"])] or [DHP]
    figure = Figure(figsize=(10.2, 3.3 * len(conditions)))
    rows = figure.subplots(len(conditions), 3, squeeze=False)
    for condition, axes in zip(conditions, rows, strict=True):
        own, drawn = (table[table["condition"] == condition] for table in (log, plotted))
        for axis, panel in zip(axes, PANELS, strict=True):
            axis.set_title(
                PANELS[panel] + (f", standardised (n = {own['seed'].nunique()})" if condition != DHP else ""), pad=14
            )
            _draw_panel(axis, panel, own, drawn[drawn["panel"] == panel], reported)
    if (handles := figure.axes[0].get_legend_handles_labels())[0]:
        figure.legend(*handles, loc="outside upper right", ncols=3)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: condition, panel (eta, hebb_norm, alpha_norm), seed, x (steps), mean, sem (nan if n = 1), n.

    seed: that of one run, or "all" where the mean is over all runs.
    """
    log, parts = tables["plasticity"], []
    for condition, runs in log.groupby("condition"):
        rows = [(condition, panel, ALL, step, at[panel]) for panel in PANELS for step, at in runs.groupby("step")]
        parts.append(summaries(rows, COLUMNS))
        if runs["seed"].nunique() > 1:
            single = runs.melt(["condition", "seed", "step"], list(PANELS), "panel", "mean").rename(
                columns={"step": "x"}
            )
            parts.append(single.astype({"seed": str}).assign(sem=math.nan, n=1)[COLUMNS])
    return pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame(columns=COLUMNS)


def _draw_panel(
    axis: Axes, panel: str, log: pandas.DataFrame, plotted: pandas.DataFrame, reported: pandas.DataFrame
) -> None:
    axis.set_xlabel("Training step")
    axis.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axis.locator_params(axis="x", nbins=5)
    if log.empty:
        plotting.no_runs(axis)
        return
    _draw_runs(axis, plotted)
    ends = log.groupby("task")["step"].max()
    axis.set(xlim=(0, ends.max()))
    if panel == "eta":  # which nothing keeps above zero
        axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
        _draw_paper(axis, reported, ends)
    else:
        axis.set_ylim(bottom=0)
    if log[panel].abs().max() > LINEAR.get(panel, math.inf):  # of a seed, if not on average
        _stretch(axis, panel)
    _draw_tasks(axis, ends)


def _draw_runs(axis: Axes, runs: pandas.DataFrame) -> None:
    means, single = runs[runs["seed"] == ALL], runs[runs["seed"] != ALL]
    means = means.assign(sem=means["sem"].where(means["n"] >= BAND_FROM))
    band(axis, means, COLOR, linewidth=1.4, label=f"ours{plotting.counted(means['n'])}")
    for _, run in single.groupby("seed"):
        axis.plot(run["x"], run["mean"], color=COLOR, linewidth=0.5, alpha=0.6)


def _stretch(axis: Axes, panel: str) -> None:
    """Draw values beyond LINEAR, to either side, on a logarithmic scale."""
    axis.set_yscale("symlog", linthresh=LINEAR[panel], linscale=2)
    axis.autoscale_view(scalex=False)  # limits that were not set, since the margins of a linear axis are too wide
    bottom, top = axis.get_ylim()
    ticks = [tick for tick in TICKS[panel] if bottom <= tick <= top]
    axis.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.minorticks_off()


def _draw_tasks(axis: Axes, ends: pandas.Series) -> None:
    """Draw where a new task begins, and the tasks' numbers above."""
    begin = 0
    for task, end in ends.items():
        axis.axvline(end, color="0.85", linewidth=0.6, zorder=0)
        plotting.above(axis, (begin + end) / 2, str(task))
        begin = end


def _draw_paper(axis: Axes, reported: pandas.DataFrame, ends: pandas.Series) -> None:
    """Draw what the text says of eta: where it begins, how far it rises in task 1, and after which task it decays."""
    axis.axhline(INITIAL_ETA, color="0.4", linestyle=":", linewidth=1)
    for row in reported_numbers.results(reported, artifact="fig3", quantity="largest eta in task 1").itertuples():
        plotting.reported_marker(axis, ends[1] / 2, row.value, None, "black", label="paper, in task 1")
    for row in reported_numbers.results(reported, artifact="fig3", quantity="task after which eta decays").itertuples():
        if row.value in ends.index:
            axis.axvline(ends[row.value], label="paper: decays from here", color="0.4", linestyle="--", linewidth=1)
