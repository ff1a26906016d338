"""What the figures share: a colour for each condition, means with 95% intervals, and the paper's hyperparameters."""

from __future__ import annotations

from typing import Any

import pandas
from matplotlib.axes import Axes

from common import plotting
from common import reported as reported_numbers
from papers.sticky_gradient.conditions import CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.protocol import Attractor

STICKY = plotting.PALETTE["vermilion"]
COLORS = {CONTROL: "0.35", EWC: plotting.PALETTE["blue"], FULL: STICKY, FULL + SEARCHED: STICKY}


def curve(axis: Axes, values: pandas.DataFrame, aside: float = 0.0, **look: Any) -> None:
    """Draw means as a line with error bars, the 95% intervals; values: as `stats.summaries` returns them."""
    if values.empty:
        return
    bars = None
    if not values["ci_low"].isna().all():
        ends = values["mean"] - values["ci_low"], values["ci_high"] - values["mean"]
        bars = [length.fillna(0).to_numpy() for length in ends]
    style = {"marker": "o", "markersize": 2.5, "linewidth": 1.5, "elinewidth": 0.9, "capsize": 1.8} | look
    axis.errorbar(values["x"] + aside, values["mean"], bars, **style)


def point(axis: Axes, own: Any, height: float, **look: Any) -> None:
    """Draw one mean with its 95% interval, lying, at a height; own: a row of `stats.summaries`."""
    bars = None if own.n == 1 else [[own.mean - own.ci_low], [own.ci_high - own.mean]]
    style = {"marker": "o", "markersize": 4, "elinewidth": 1.2, "capsize": 2} | look | {"linestyle": "none"}
    axis.errorbar([own.mean], [height], xerr=bars, **style)


def published(reported: pandas.DataFrame) -> Attractor:
    """Return the hyperparameters of the paper's Table 1."""
    values = reported_numbers.results(reported, artifact="table1").set_index("quantity")["value"]
    return Attractor(**{name: float(values[name]) for name in Attractor.__dataclass_fields__})
