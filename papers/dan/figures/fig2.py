"""Figure 2: what an autoencoder of DANs makes of the ten digits while it learns one after the other."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.drawing import plotting
from common.drawing.plotting import PALETTE, TINY
from common.results.readers import Tables
from common.results.stats import summaries
from papers.dan import results
from papers.dan.conditions import IMAGES
from papers.dan.protocol import DIGITS

LEARNED = {"first": 1, "half": DIGITS // 2, "all": DIGITS}  # how many digits have been seen when a grid is drawn
GRIDS = [  # panels: condition, grid, title
    ("both", "first", "After one step on the 0s"),
    ("both", "half", "After the digits 0 to 4"),
    ("both", "all", "After all ten digits"),
]
CONTROLS = [  # each there if it was run
    ("memory", "all", "Memory loss only, after all ten"),
    ("random", "all", "Random phenotypes, after all ten"),
]
LETTERS = "abcdef"
ACROSS, GAP = DIGITS // 2, 2  # digits side by side, and white pixels between images
SEEN = PALETTE["vermilion"]
CAPTION = (
    "Originals above reconstructions, first seed; framed: digits seen so far. a to c: phenotypes meta-trained on memory"
    " and transfer loss{sequences}.\n{last}: mean squared error of a to c's networks, mean over seeds; left of the line: digits"
    " seen. BWT: error after all digits minus that right after learning the digit\n(mean over the first nine); FWT: error"
    " right before learning a digit minus that before any training (mean over the last nine); mean ± SD over seeds, the"
    " lower\nthe better. {added} not in the paper. The paper reports no numbers for this figure."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 2: images and reconstructions (a to c), then those of the controls that were run, and the errors."""
    grids, errors = tables["image_grids"], values(tables)
    controls = [panel for panel in CONTROLS if len(grids.of("original", condition=panel[0]))]
    figure = Figure(figsize=(10, 6.4))
    rows = figure.add_gridspec(2, 1, height_ratios=(1, 1.15))  # below, titles have more lines
    aside = (len(GRIDS) - len(controls) - 1) / 2 + 0.01  # fewer panels stand in the middle
    places = rows[1].subgridspec(1, len(controls) + 3, width_ratios=[aside, *[1] * (len(controls) + 1), aside])
    above = rows[0].subgridspec(1, len(GRIDS))
    axes = [figure.add_subplot(above[place]) for place in range(len(GRIDS))]
    axes += [figure.add_subplot(places[place]) for place in range(1, len(controls) + 2)]
    for axis, letter, (condition, shown, title) in zip(axes, LETTERS, [*GRIDS, *controls], strict=False):
        transfer = "" if condition == "both" else _transfer(errors, condition)  # that of both is told with the errors
        axis.set_title(f"{letter}  {title}{transfer}")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        originals, outputs = (grids.of(name, condition=condition) for name in ("original", shown))
        if len(originals):
            _draw_grid(axis, originals[0], outputs[0], LEARNED[shown])
        else:
            plotting.no_runs(axis)
    first, last = LETTERS[len(GRIDS)], LETTERS[len(axes) - 1]
    axes[-1].set_title(f"{last}  Error on each digit{_transfer(errors, 'both')}")
    _draw_errors(figure, axes[-1], errors)
    added = f"{last} is" if first == last else f"{first} {'and' if len(controls) == 1 else 'to'} {last} are"
    plotting.caption(figure, CAPTION.format(sequences=_sequences(tables), last=last, added=added))
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return the errors of Figure 2: quantity, condition, learned, digit, mean, sd (nan if n = 1) and n (seeds).

    quantity: error (of a digit when so many digits have been learned), BWT or FWT (learned and digit are empty).
    """
    table = tables["image_errors"]
    rows: list[tuple] = []
    for condition in IMAGES:
        errors = table[table["condition"] == condition]
        if errors.empty:
            continue
        by_border = errors.groupby([errors["step"] * DIGITS / errors["step"].max(), "digit"])["loss"]
        for border in itertools.product(range(DIGITS + 1), range(DIGITS)):
            if border not in by_border.groups:
                raise ValueError(
                    f"image_errors.csv: condition {condition} has no loss on digit {border[1]} after"
                    f" {border[0]} digits: run its stage again"
                )
            rows.append(("error", condition, *border, by_border.get_group(border)))
        transfers = {"BWT": results.backward_transfer, "FWT": results.forward_transfer}
        rows += [(name, condition, None, None, of(tables, condition).values()) for name, of in transfers.items()]
    return summaries(rows, ["quantity", "condition", "learned", "digit", "mean", "sd", "n"])


def _sequences(tables: Tables) -> str:
    """Return how many sequences meta-training had; nothing where records do not tell."""
    protocol = tables.records.get("image_errors", {}).get("protocol")
    return f" of {protocol['images']['sequences']} sequences" if protocol else ""


def _transfer(errors: pandas.DataFrame, condition: str) -> str:
    """Return a title's further lines, a condition's transfer and number of seeds; nothing if there are no runs."""
    lines, transfers = "", errors[(errors["condition"] == condition) & (errors["quantity"] != "error")]
    for row in transfers.itertuples():
        spread = f" ± {row.sd:.4f}" if row.n > 1 else ""
        lines += f"\n{row.quantity} {row.mean:+.4f}{spread}".replace("-", "\N{MINUS SIGN}")
    return f"{lines} (n = {transfers['n'].min()})" if lines else ""


def _draw_grid(axis: Axes, originals: numpy.ndarray, outputs: numpy.ndarray, learned: int) -> None:
    """Draw two rows of five digits [DIGITS, side, side], each image above its reconstruction; learned: how many are framed."""
    rows = originals, outputs
    side = rows[0].shape[-1]
    pitch, edge = side + GAP, GAP + side / 8  # the two rows of digits stand further apart
    for digit in range(DIGITS):
        for below, images in enumerate(rows):
            left = pitch * (digit % ACROSS)
            top = pitch * below + (2 * pitch + edge) * (digit // ACROSS)
            extent = (left, left + side, top + side, top)
            axis.imshow(images[digit], cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
        if digit < learned:
            frame: dict[str, Any] = {"fill": False, "edgecolor": SEEN, "linewidth": 1.4, "joinstyle": "miter"}
            axis.add_patch(Rectangle((left, top), side, side, **frame))
    axis.set(xlim=(-GAP, pitch * ACROSS), ylim=(4 * pitch + edge, -GAP), aspect="equal")


def _draw_errors(figure: Figure, axis: Axes, errors: pandas.DataFrame) -> None:
    """Draw the matrix of errors: one row before training and one after each digit, one column for each digit."""
    axis.set(xlabel="Error on digit", ylabel="After learning digit")
    errors = errors[(errors["condition"] == "both") & (errors["quantity"] == "error")]
    if errors.empty:
        axis.set(xticks=[], yticks=[])
        plotting.no_runs(axis)
        return
    matrix = errors.pivot(index="learned", columns="digit", values="mean").to_numpy()
    image = axis.imshow(matrix, cmap="viridis", norm=LogNorm(), interpolation="nearest")
    axis.set_xticks(range(DIGITS))
    axis.set_yticks(range(DIGITS + 1), ["none", *range(DIGITS)])
    axis.tick_params(length=0)
    corners = [(digit + 0.5, digit + 0.5) for digit in range(DIGITS)]
    axis.step([-0.5, *(x for x, _ in corners)], [0.5, *(y + 1 for _, y in corners)], where="post", color="white")
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axis, pad=0.03, aspect=18)
    bar.set_label("Mean squared error")
    bar.ax.tick_params(labelsize=TINY, which="both")
    bar.ax.spines["outline"].set_visible(False)
