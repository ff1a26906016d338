"""The paper's figures, one function per figure: tables in, a matplotlib Figure out. Recall is in percent.

Command line: python -m papers.tsar.figures fig1 --transfer TABLE.csv --reported reported.csv --out fig1.pdf
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import collect, plotting, records
from common import reported as reported_numbers
from common.stats import summaries, summary
from papers.tsar import recall

COLORS = {
    "grow": plotting.PALETTE["green"],
    "sculpt": plotting.PALETTE["purple"],
    "oml": plotting.PALETTE["orange"],
    "scratch": plotting.PALETTE["blue"],
}
OTHER = "0.35"  # grey, for the points of the sweep that have no name
FIG1_CAPTION = (
    "Line and band: mean and SD over seeds (single runs where there are fewer than three). C: mean and SD; dots are runs.\n"
    "Hollow diamonds: what the paper reports after 100 classes, with SD; for panel B it gives no ImageNet numbers."
)


def fig1(results: pandas.DataFrame, reported: pandas.DataFrame, provenance: dict) -> Figure:
    """Return Figure 1: recall while 100 ImageNet classes are learned one after the other.

    A: after data-rich meta-learning; B: after data-scarce meta-learning; C: final recall by initial regulatory bias.
    results: as `recall.read` returns it; reported: as `reported.read` does; provenance: of the collected table.
    """
    with plotting.style():
        figure = Figure(figsize=(7.2, 3.7))
        panel_a, panel_b, panel_c = figure.subplots(1, 3, sharey=True)
        _draw_curves(panel_a, results, "rich", "A  Data-rich meta-learning")
        _draw_curves(panel_b, results, "scarce", "B  Data-scarce meta-learning")
        _draw_reported(panel_a, reported, "A")
        _draw_sweep(panel_c, results, "C  Data-rich, by initial bias")
        for axis in (panel_a, panel_b, panel_c):
            _draw_chance(axis, results["classes"].max())
            axis.set(ylim=(-2, 102), yticks=range(0, 101, 20))
            axis.tick_params(labelsize=8, labelleft=True)
            _draw_legend(axis)
        panel_a.set_ylabel("Recall of the classes so far (%)", fontsize=8)
        figure.supxlabel(FIG1_CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp(provenance))
    return figure


def fig1_values(results: pandas.DataFrame) -> pandas.DataFrame:
    """Return what Figure 1 plots: panel, treatment, condition (of the runs), x, mean, sd (nan if n = 1) and n.

    x is the number of classes learned in panels A and B and the initial regulatory bias in panel C.
    """
    rows = []
    for panel, condition in recall.FIG1_CONDITIONS.items():
        for treatment in recall.LABELS:
            stored = recall.stored_condition(treatment, condition)
            for x, runs in recall.curves(results, treatment, condition).items():
                rows.append((panel, treatment, stored, x, runs))
    for bias, runs in _final_by_bias(results).items():
        rows.append(("C", recall.sweep(results)[bias], "rich", bias, runs))
    return summaries(rows, ["panel", "treatment", "condition", "x", "mean", "sd", "n"])


def _draw_curves(axis: Axes, results: pandas.DataFrame, condition: str, title: str) -> None:
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlabel("Classes learned", fontsize=8)
    axis.set(xlim=(0, 103), xticks=range(0, 101, 20))
    drawn = 0
    for treatment, label in recall.LABELS.items():
        table = recall.curves(results, treatment, condition)
        if table.empty:
            axis.plot([], [], color=COLORS[treatment], linestyle=":", label=plotting.name_with_runs(label, 0))
            continue
        name = plotting.name_with_runs(label, len(table))
        plotting.band(axis, table.columns.to_numpy(), table.to_numpy(), name, COLORS[treatment])
        drawn += 1
    if not drawn:
        plotting.no_runs(axis)


def _draw_reported(axis: Axes, reported: pandas.DataFrame, panel: str) -> None:
    treatments = {label: treatment for treatment, label in recall.LABELS.items()}
    for row in reported_numbers.results(reported, artifact="fig1", panel=panel).itertuples():
        color = COLORS[treatments[row.method]]
        plotting.reported_marker(axis, row.x, row.value, row.spread, color, label="paper (mean, SD)")


def _draw_sweep(axis: Axes, results: pandas.DataFrame, title: str) -> None:
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlabel("Initial regulatory bias", fontsize=8)
    axis.set(xlim=(-13, 13), xticks=range(-12, 13, 4))
    treatments, final = recall.sweep(results), _final_by_bias(results)
    for bias, runs in final.items():
        label = recall.LABELS.get(treatments[bias])
        _draw_runs(axis, bias, runs, COLORS.get(treatments[bias], OTHER), label and f"{label}, bias {bias}")
    others = [len(runs) for bias, runs in final.items() if treatments[bias] not in COLORS]
    if others:
        n = f"{min(others)}" if min(others) == max(others) else f"{min(others)} to {max(others)}"
        axis.plot([], [], "o", color=OTHER, markersize=3.5, label=f"other biases (n = {n})")
    elif final:
        name = plotting.name_with_runs("other biases", 0)
        axis.plot([], [], "o", color=OTHER, markersize=3.5, fillstyle="none", label=name)
    else:
        plotting.no_runs(axis)


def _draw_runs(axis: Axes, x: float, runs: list[float], color: str, label: str | None) -> None:
    """Draw the mean and SD of runs at x, and around them the runs themselves as dots."""
    own = summary(runs)
    aside = numpy.linspace(-0.3, 0.3, own.n) if own.n > 1 else [0]
    axis.plot(x + numpy.array(aside), runs, ".", color=color, markersize=2.5, alpha=0.4, markeredgewidth=0, zorder=2)
    axis.errorbar([x], [own.mean], own.sd if own.n > 1 else None, color=color, capsize=2, linewidth=1, zorder=3)
    name = label and plotting.name_with_runs(label, own.n)
    axis.plot([x], [own.mean], "o", color=color, markersize=3.5, zorder=3, label=name)


def _final_by_bias(results: pandas.DataFrame) -> dict[int, list[float]]:
    """Return the recall of all runs after their last class, by initial bias."""
    last = {bias: recall.curves(results, treatment, "rich") for bias, treatment in recall.sweep(results).items()}
    return {bias: table.iloc[:, -1].tolist() for bias, table in last.items() if not table.empty}


def _draw_chance(axis: Axes, classes: int) -> None:
    chance = 100 / classes
    axis.axhline(
        chance,
        color="0.3",
        linestyle=":",
        linewidth=0.8,
        zorder=1,
        label=f"chance after {classes} classes ({chance:.2g} %)",
    )


def _draw_legend(axis: Axes) -> None:
    """Put the legend below the panel: treatments, then the paper's numbers, then chance."""
    entries = sorted(
        zip(*axis.get_legend_handles_labels(), strict=True), key=lambda entry: entry[1].startswith("chance")
    )
    axis.legend(
        *zip(*entries, strict=True),
        loc="upper left",
        bbox_to_anchor=(-0.06, -0.22),
        borderaxespad=0,
        fontsize=7,
        handlelength=1.5,
        labelspacing=0.3,
    )


def draw_fig1(arguments: argparse.Namespace) -> None:
    results = recall.read(arguments.transfer)
    figure = fig1(
        results,
        reported_numbers.read(arguments.reported),
        records.read_provenance(arguments.transfer.with_suffix(".json")),
    )
    records.write_table(arguments.out.with_suffix(".csv"), fig1_values(results))
    plotting.save(figure, arguments.out)


FIGURES = {"fig1": draw_fig1}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m papers.tsar.figures", description="Draw a figure of the paper.")
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("--transfer", required=True, type=Path, help="collected table, its .json beside it")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument("--out", required=True, type=Path, help="PDF to write; PNG and the plotted values go beside it")
    arguments = parser.parse_args()
    FIGURES[arguments.figure](arguments)


if __name__ == "__main__":
    main()
