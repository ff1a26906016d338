"""Figure 3: eta, and the norms of the Hebbian trace and of the plasticity coefficients, while ten tasks are learned."""

from __future__ import annotations

import math

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import collect, plotting
from common import reported as reported_numbers
from common.collected import Tables
from common.plotting import SMALL, TINY
from common.stats import summaries
from papers.dhp import collected, drawing
from papers.dhp.evidence import INITIAL_ETA

PANELS = {
    "eta": "a  Hebbian rate η",
    "hebb_norm": "b  Trace, ‖Hebb‖ (Frobenius)",
    "alpha_norm": "c  Plasticity, ‖α‖ (Frobenius)",
}
COLOR = plotting.PALETTE["blue"]
LINEAR = 50  # a norm of Hebb beyond this is drawn on a logarithmic scale: it rests near 20, but may burst
ALL = "all"  # seeds
BAND_FROM = 3  # seeds: with two the band is what lies between them
TICKS = (0, 10, 20, 30, 40, LINEAR, *(10**power for power in range(2, 8)))
CAPTION = (
    "DHP Softmax on Permuted MNIST: each seed (thin), their mean (thick) and, from three seeds on, a band of one standard"
    " error. Vertical lines: a new task begins; its number stands above.\nThe paper states for η: that it begins at 0.001"
    f" (dotted), reaches 0.024 in task 1 (diamond) and decays after task 3 (dashed). If Hebb exceeds {LINEAR}, its axis is logarithmic from there."
)


def fig3(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 3: eta (left), the Frobenius norm of Hebb (middle) and of alpha (right) against training steps."""
    values = fig3_values(tables)
    table = collected.table(tables, "plasticity")
    with plotting.style():
        figure = Figure(figsize=(10.2, 3.3))
        for axis, (panel, title) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
            runs = values[values["panel"] == panel]
            means, single = runs[runs["seed"] == ALL], runs[runs["seed"] != ALL]
            axis.set_title(title, loc="left", fontsize=SMALL + 1, pad=14)
            axis.tick_params(labelsize=SMALL)
            axis.set_xlabel("Training step", fontsize=SMALL)
            axis.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
            axis.locator_params(axis="x", nbins=5)
            if runs.empty:
                plotting.no_runs(axis)
                continue
            seeds = int(means["n"].max())
            if seeds < BAND_FROM:
                means = means.assign(sem=math.nan)
            drawing.band(axis, means, COLOR, linewidth=1.4, label=f"ours (n = {seeds})")
            for _, run in single.groupby("seed"):
                axis.plot(run["x"], run["mean"], color=COLOR, linewidth=0.5, alpha=0.6)
            ends = table.groupby("task")["step"].max()
            if panel == "eta":  # which nothing keeps above zero
                axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
                _draw_paper(axis, reported, ends)
            axis.set(xlim=(0, ends.max()))
            if panel == "hebb_norm" and runs["mean"].max() > LINEAR:  # of a seed, if not on average
                _stretch(axis)
            if panel != "eta":
                axis.set_ylim(bottom=0)
            _draw_tasks(axis, ends)
        if (handles := figure.axes[0].get_legend_handles_labels())[0]:
            figure.legend(*handles, fontsize=TINY, loc="outside upper right", ncols=3)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig3_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: panel (eta, hebb_norm, alpha_norm), seed, x (steps), mean, sem (nan if n = 1) and n.

    seed: that of one run, or "all" where the mean is over all runs.
    """
    table = collected.table(tables, "plasticity")
    rows = [(panel, ALL, step, runs[panel]) for panel in PANELS for step, runs in table.groupby("step")]
    means = summaries(rows, ["panel", "seed", "x", "mean", "sem", "n"])
    if table["seed"].nunique() < 2:
        return means
    single = table.melt(["seed", "step"], list(PANELS), "panel", "mean").rename(columns={"step": "x"})
    single = single.astype({"seed": str}).assign(sem=math.nan, n=1)
    return pandas.concat([means, single[means.columns]], ignore_index=True)


def _stretch(axis: Axes) -> None:
    """Draw values beyond LINEAR on a logarithmic scale."""
    axis.set_yscale("symlog", linthresh=LINEAR, linscale=2)
    top = axis.get_ylim()[1]
    axis.set_yticks([tick for tick in TICKS if tick <= top], [f"{tick:,}" for tick in TICKS if tick <= top])
    axis.minorticks_off()


def _draw_tasks(axis: Axes, ends: pandas.Series) -> None:
    """Draw where a new task begins, and the tasks' numbers above."""
    begin = 0
    for task, end in ends.items():
        axis.axvline(end, color="0.85", linewidth=0.6, zorder=0)
        look = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "bottom", "color": "0.35"}
        axis.text((begin + end) / 2, 1.01, str(task), fontsize=TINY, **look)
        begin = end


def _draw_paper(axis: Axes, reported: pandas.DataFrame, ends: pandas.Series) -> None:
    """Draw what the text says of eta: where it begins, how far it rises in task 1, and after which task it decays."""
    axis.axhline(INITIAL_ETA, color="0.4", linestyle=":", linewidth=1)
    for row in reported_numbers.results(reported, artifact="fig3", quantity="largest eta in task 1").itertuples():
        plotting.reported_marker(axis, ends[1] / 2, row.value, None, "black", label="paper, in task 1")
    for row in reported_numbers.results(reported, artifact="fig3", quantity="task after which eta decays").itertuples():
        if row.value in ends.index:
            look = {"color": "0.4", "linestyle": "--", "linewidth": 1}
            axis.axvline(ends[row.value], label="paper: decays from here", **look)
