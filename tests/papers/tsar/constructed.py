"""Collected tables as they would be if the runs had come out so."""

import pandas

from common.results import readers, reported
from common.running.code import ROOT
from papers.tsar.results import OMNIGLOT, READERS, TRANSFER

CLASSES = (1, 10, 100)
REPORTED = reported.read(ROOT / "papers/tsar/reported.csv")


def runs(condition, meta_learning_set, *finals, early=98, iterations=25000):
    """One run per final recall, in percent; before it recall is 100 after one class and `early` after ten."""
    columns = {"condition": condition, "meta_learning_set": meta_learning_set, "dataset": "imagenet"}
    columns |= {"learning_rate": 1e-3, "iterations": iterations}
    return [
        {"seed": seed, **columns, "classes": classes, "recall": percent / 100}
        for seed, final in enumerate(finals)
        for classes, percent in zip(CLASSES, (100, early, final), strict=True)
    ]


def table(*parts):
    """The rows of some runs."""
    return pandas.DataFrame([row for part in parts for row in part], columns=TRANSFER)


def on_omniglot(accuracies, classes=600, seeds=3):
    """The table of unseen Omniglot classes; accuracies: recall and that of held-out drawings in percent, by method."""
    rows = [
        (seed, condition, "rich", "omniglot", 1e-3, 25000, variant, classes, recall / 100, held_out / 100)
        for (condition, variant), (recall, held_out) in accuracies.items()
        for seed in range(seeds)
    ]
    return pandas.DataFrame(rows, columns=OMNIGLOT)


def tables(transfer=None, **others):
    """The paper's tables, of which these were run."""
    run = others if transfer is None else {"transfer": transfer, **others}
    return readers.Tables(run, {}, READERS)


def measured(columns, place, values_of):
    """A table of what was measured class by class: values_of(seed, number of the class) of two seeds and 25 classes.

    columns: of all rows; place: the name of the column that numbers the classes.
    """
    run = {"dataset": "imagenet", "learning_rate": 1e-3, "iterations": 25000, **columns}
    return pandas.DataFrame(
        [{"seed": seed, **run, place: number, **values_of(seed, number)} for seed in (0, 1) for number in range(1, 26)]
    )
