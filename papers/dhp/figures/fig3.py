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
from papers.dhp.results import INITIAL_ETA

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


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 3: eta (left), the Frobenius norm of Hebb (middle) and of alpha (right) against training steps."""
    log, plotted = tables["plasticity"], values(tables)
    figure = Figure(figsize=(10.2, 3.3))
    for axis, (panel, title) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        axis.set_title(title, pad=14)
        axis.set_xlabel("Training step")
        axis.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
        axis.locator_params(axis="x", nbins=5)
        if log.empty:
            plotting.no_runs(axis)
            continue
        _draw_runs(axis, plotted[plotted["panel"] == panel])
        ends = log.groupby("task")["step"].max()
        axis.set(xlim=(0, ends.max()))
        if panel == "eta":  # which nothing keeps above zero
            axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
            _draw_paper(axis, reported, ends)
        else:
            if panel == "hebb_norm" and log[panel].max() > LINEAR:  # of a seed, if not on average
                _stretch(axis)
            axis.set_ylim(bottom=0)
        _draw_tasks(axis, ends)
    if (handles := figure.axes[0].get_legend_handles_labels())[0]:
        figure.legend(*handles, loc="outside upper right", ncols=3)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: panel (eta, hebb_norm, alpha_norm), seed, x (steps), mean, sem (nan if n = 1) and n.

    seed: that of one run, or "all" where the mean is over all runs.
    """
    log = tables["plasticity"]
    rows = [(panel, ALL, step, runs[panel]) for panel in PANELS for step, runs in log.groupby("step")]
    means = summaries(rows, ["panel", "seed", "x", "mean", "sem", "n"])
    if log["seed"].nunique() < 2:
        return means
    single = log.melt(["seed", "step"], list(PANELS), "panel", "mean").rename(columns={"step": "x"})
    single = single.astype({"seed": str}).assign(sem=math.nan, n=1)
    return pandas.concat([means, single[means.columns]], ignore_index=True)


def _draw_runs(axis: Axes, runs: pandas.DataFrame) -> None:
    means, single = runs[runs["seed"] == ALL], runs[runs["seed"] != ALL]
    means = means.assign(sem=means["sem"].where(means["n"] >= BAND_FROM))
    band(axis, means, COLOR, linewidth=1.4, label=f"ours{plotting.counted(means['n'])}")
    for _, run in single.groupby("seed"):
        axis.plot(run["x"], run["mean"], color=COLOR, linewidth=0.5, alpha=0.6)


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
