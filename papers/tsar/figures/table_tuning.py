"""A table of our own: what every learning rate of transfer recalls on the tuning seeds, and which was chosen."""

from __future__ import annotations

import pandas

from common.drawing.typeset import Table
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.conditions import LABELS

CAPTION = (
    "Recall (%) under transfer by its learning rate, mean over tuning seeds, on images that no reported run sees: after the"
    " last class, and averaged over all points of the curve. The rate with the highest average is chosen."
)
HEADINGS = {
    "condition": "Condition",
    "meta_learning_set": "Meta-learning",
    "iterations": "Meta-iterations",
    "learning_rate": "Learning rate",
    "recall": "After the last class",
    "mean_recall": "Averaged",
    "n": "n",
    "chosen": "Chosen",
}


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return the table; its CSV holds the numbers exactly."""
    rows = results.tuning(tables).sort_values("learning_rate", ascending=False, kind="stable")
    kinds = ["condition", "meta_learning_set", "iterations"]
    best = rows.groupby(kinds)["mean_recall"].idxmax()  # of two equal ones the larger rate, as transfer chooses
    rows["chosen"] = ["*" if index in set(best) else "" for index in rows.index]
    rows = rows.sort_values(kinds, kind="stable").replace({"condition": LABELS})
    shown = rows.assign(learning_rate=[f"{rate:g}" for rate in rows["learning_rate"]])
    return Table(shown[list(HEADINGS)], CAPTION, HEADINGS, exact=rows[list(HEADINGS)])
