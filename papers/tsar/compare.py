"""Our value for each number that the paper reports."""

from __future__ import annotations

from common.results.readers import Tables
from papers.tsar import conditions, results

CIFAR100 = {  # settings of Figure 9 A -> meta-learning set
    "CIFAR-100, data rich, 100 classes x 30 images": "rich",
    "CIFAR-100, data scarce (25 meta-learning classes), 100 classes x 30 images": "scarce",
}

BOTH = ("transfer", "transfer_cifar100", "activity_imagenet", "activity_cifar100")
ELSEWHERE = dict.fromkeys(("fig6B", "fig6C", "fig11"), BOTH)  # claims on both data sets


OMNIGLOT = {  # quantities of accuracy on Omniglot -> column
    "training accuracy after 600 sequential classes": "recall",
    "validation/test accuracy after 600 sequential classes": "held_out",
    "IID reference accuracy (3 epochs)": "held_out",
}
METHODS = {label: (condition, "plain") for condition, label in conditions.LABELS.items()} | {
    "ANML": ("anml", "plain"),
    "Grow, regulatory output layers for C1-C3 fixed (regulated weights trainable)": ("grow", "cp_only"),
    "Grow, output layers fixed, IID training": ("grow", "cp_only_iid"),
}  # -> condition, and variant on Omniglot


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our recall in % for a row of reported.csv, by seed; empty if not run, or for what is not said of single runs."""
    condition, variant = METHODS.get(row["method"], ("", ""))
    if row["artifact"] == "fig1":
        return results.recall(tables, condition, results.FIG1_SETS[row["panel"]], row["x"])
    if row["setting"] in CIFAR100:
        return results.recall(tables, condition, CIFAR100[row["setting"]], row["x"], "cifar100")
    if row["quantity"] in OMNIGLOT:
        table = results.omniglot(tables, condition, variant, OMNIGLOT[row["quantity"]])
        return table[row["x"]].to_dict() if row["x"] in table.columns else {}
    return {}
