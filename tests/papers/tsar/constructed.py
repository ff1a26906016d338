"""Collected tables as they would be if the runs had come out so."""

import pandas

from common.results import readers, reported
from common.running.code import ROOT
from papers.tsar.results import READERS, TRANSFER

CLASSES = (1, 10, 100)
REPORTED = reported.read(ROOT / "papers/tsar/reported.csv")


def runs(condition, meta_learning_set, *finals, early=98):
    """One run per final recall, in percent; before it recall is 100 after one class and `early` after ten."""
    columns = {"condition": condition, "meta_learning_set": meta_learning_set, "dataset": "imagenet"}
    return [
        {"seed": seed, **columns, "learning_rate": 1e-3, "classes": classes, "recall": percent / 100}
        for seed, final in enumerate(finals)
        for classes, percent in zip(CLASSES, (100, early, final), strict=True)
    ]


def table(*parts):
    """The rows of some runs."""
    return pandas.DataFrame([row for part in parts for row in part], columns=TRANSFER)


def tables(transfer):
    """The paper's tables, of which this one was run."""
    return readers.Tables({"transfer": transfer}, {}, READERS)
