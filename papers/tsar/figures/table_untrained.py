"""A table of our own: which statistics of Grow's regulation are there before it has learned anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter

import pandas

from common.drawing.typeset import Table
from common.results.readers import Tables
from common.results.stats import summaries
from papers.tsar import activity
from papers.tsar.class_weight_claims import ratio_of_signs, tenth_task, within_task
from papers.tsar.regulation import of_regulation, percent
from papers.tsar.regulation_claims import mean_of_known, straightness

CAPTION = (
    "Statistics of Grow's regulation under transfer to ImageNet, on which the paper bases its argument, with the same"
    " networks before any meta-learning as a control. What the control shows too is no effect of meta-learning. Mean and SD"
    " over models."
)
HEADINGS = {"claim": "Claim", "statistic": "Statistic", "network": "Network", "mean": "Mean", "sd": "SD", "n": "n"}
NETWORKS = {"untrained": "activity_untrained", "meta-learned": "activity_imagenet"}  # -> table


def _share_percent(tables: Tables, name: str) -> dict[int, float]:
    return percent(of_regulation(tables, mean_of_known, name))


STATISTICS: dict[tuple[str, str], Callable[[Tables], dict[int, float]]] = {
    ("tsar-16", "Spearman's correlation of ranks within and outside a task, C3 (%)"): partial(
        _share_percent, name="rank_correlation_c3"
    ),
    ("tsar-16", "a task's top 1% in the top 5% elsewhere, C3 (%)"): partial(_share_percent, name="top_shared_c3"),
    ("tsar-20", "below 0.25 at the image after one above 0.75, C3 (%)"): lambda tables: percent(
        of_regulation(tables, activity.suppressed_next, "time_lag_c3")
    ),
    ("tsar-23", "R^2 of the line through the CCDF, C3 (%)"): partial(straightness, layer="c3", condition="grow"),
    ("tsar-27", "change of positive weights, last - first image (%)"): partial(within_task, sign="positive"),
    ("tsar-28", "change of positive weights in the tenth task after (%)"): partial(tenth_task, sign="positive"),
    ("tsar-33", "mean CP regulation, positive / negative weights"): lambda tables: of_regulation(
        tables, partial(ratio_of_signs, place=0), "by_sign"
    ),
    ("tsar-38", "accuracy of the nearest neighbour (%)"): lambda tables: percent(
        of_regulation(tables, itemgetter(0), "nearest_neighbours")
    ),
}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return the table: each statistic of the untrained and of the meta-learned networks."""
    rows = [
        (*names, network, list(statistic(tables.only({"activity_imagenet": tables[noted]})).values()))
        for names, statistic in STATISTICS.items()
        for network, noted in NETWORKS.items()
    ]
    return Table(summaries(rows, list(HEADINGS)), CAPTION, HEADINGS)
