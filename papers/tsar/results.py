"""The paper's collected tables: how each is read, and recall out of them for figures, claims and verdicts.

Recall is in percent. Where there are no runs, what is computed from them is empty.
"""

from __future__ import annotations

from pathlib import Path

import pandas
from numpy import ndarray

from common.results import tables as table_files
from common.results.readers import Reader, Tables, chosen, of_arrays, plain
from papers.tsar.agreement import extremes, membership
from papers.tsar.protocol import OMNIGLOT_VARIANTS, VARIANTS, initial_bias, with_initial_bias

RUN = ["seed", "condition", "meta_learning_set", "dataset", "learning_rate", "iterations"]
TRANSFER = [*RUN, "classes", "recall"]
DIAGNOSTICS = [*RUN, "classes", "quantity", "value"]
FINAL_RECALL = [*RUN, "position", "label", "recall"]
OMNIGLOT = [*RUN, "variant", "classes", "recall", "held_out"]
TUNE = ["seed", "condition", "meta_learning_set", "iterations", "dataset", "learning_rate", "recall", "mean_recall"]
ACTIVITY = [
    *(
        "thresholds",
        "synapses",
        "time_lag_c3",
        "npmi_c3",
        "within_class",
        "following_classes",
        "by_sign",
        "upstream_correlation",
    ),
    *("synaptic_activity", "mean_masks", "recall_changes", "probability_changes"),
    *("embedding", "labels", "nearest_neighbours"),
    *(
        f"{kind}_{layer}"
        for kind in ("rank_rank", "rank_correlation", "top_shared", "largest_rank_change", "regulation", "bursts")
        for layer in ("c1", "c2", "c3")
    ),
]
META_LEARNING = ["condition", "meta_learning_set", "seed", "iteration", "quantity", "value"]
DATASETS = {"imagenet": "ImageNet", "cifar100": "CIFAR-100"}
TRANSFERS = {"imagenet": "transfer", "cifar100": "transfer_cifar100"}  # data set -> table
FIG1_SETS = {"A": "rich", "B": "scarce"}  # panel -> meta-learning set
SETS = 6  # of equal size, into which a class's images are cut by their mean mask: the paper's have 100 of 600
BLOCK = 10  # classes that are averaged, of what is measured class by class


def read_transfer(path: str | Path) -> pandas.DataFrame:
    """Return the table of transfers; recall is a fraction. Raises ValueError if it is not such a table."""
    table = table_files.read(path, TRANSFER)
    if not table["recall"].between(0, 1).all():
        raise ValueError(f"{path}: recall must lie between 0 and 1; run the transfer stage again")
    return table


READERS = {
    "transfer": Reader(read_transfer, TRANSFER),
    "snapshots": Reader(read_transfer, TRANSFER),
    "diagnostics": plain(DIAGNOSTICS),
    "final_recall": plain(FINAL_RECALL),
    "tune": plain(TUNE),
    "transfer_cifar100": Reader(read_transfer, TRANSFER),
    "meta_learning": plain(META_LEARNING),
    "controls": Reader(read_transfer, TRANSFER),
    "variants": plain([*TRANSFER, "variant"], known={"variant": VARIANTS}, between={"recall": (0, 1)}),
    "omniglot": plain(OMNIGLOT, known={"variant": OMNIGLOT_VARIANTS}, between={"recall": (0, 1), "held_out": (0, 1)}),
    "variant_activity": of_arrays(("synaptic_activity", "mean_masks")),
    "image_masks": of_arrays(("mean_masks",)),
    "activity_imagenet": of_arrays(ACTIVITY),
    "activity_cifar100": of_arrays(ACTIVITY),
    "activity_untrained": of_arrays(ACTIVITY),
}


def stored_set(condition: str, meta_learning_set: str) -> str:
    """Return under which set runs are stored. Scratch does not meta-learn: its one set, "rich", counts for both."""
    return "rich" if condition == "scratch" else meta_learning_set


def curves(
    tables: Tables, condition: str, meta_learning_set: str, dataset: str = "imagenet", iterations: int | None = None
) -> pandas.DataFrame:
    """Return recall under transfer: one row per seed, one column per number of classes learned.

    iterations: of meta-learning, for a snapshot of it; None for finished models. Raises ValueError if a run is there twice
    or a seed lacks points that others have.
    """
    runs = tables[TRANSFERS[dataset] if iterations is None else "snapshots"]
    stored = stored_set(condition, meta_learning_set)
    rows = chosen(runs, condition=condition, meta_learning_set=stored, dataset=dataset)
    if iterations is not None:
        rows = chosen(rows, iterations=iterations)
    return _by_seed(rows, "classes", "recall", f"recall of {condition}, {stored}, {dataset}") * 100


def snapshots(tables: Tables, condition: str) -> dict[int, pandas.DataFrame]:
    """Return recall under transfer (`curves`) after each length of data-rich meta-learning."""
    runs = tables["snapshots"]
    lengths = sorted(set(runs.loc[runs["condition"] == condition, "iterations"]))
    return {length: curves(tables, condition, "rich", iterations=length) for length in lengths}


def diagnostics(tables: Tables, condition: str, meta_learning_set: str, quantity: str) -> pandas.DataFrame:
    """Return a quantity that was measured after every class, averaged over blocks of classes.

    One row per seed, one column per block, named by its last class.
    """
    runs, stored = tables["diagnostics"], stored_set(condition, meta_learning_set)
    rows = chosen(runs, condition=condition, meta_learning_set=stored, quantity=quantity)
    return _blocks(_by_seed(rows, "classes", "value", f"{quantity} of {condition}, {stored}"))


def final_recall(tables: Tables, condition: str, meta_learning_set: str) -> pandas.DataFrame:
    """Return recall after the last class by when a class was learned, averaged over blocks of classes as `diagnostics`."""
    runs, stored = tables["final_recall"], stored_set(condition, meta_learning_set)
    rows = chosen(runs, condition=condition, meta_learning_set=stored)
    return _blocks(_by_seed(rows, "position", "recall", f"final recall of {condition}, {stored}")) * 100


def recall(
    tables: Tables, condition: str, meta_learning_set: str, classes: float, dataset: str = "imagenet"
) -> dict[int, float]:
    """Return recall after that many classes, by seed; empty if it was not measured."""
    table = curves(tables, condition, meta_learning_set, dataset)
    return table[classes].to_dict() if classes in table.columns else {}


def held_out(tables: Tables, condition: str, meta_learning_set: str = "rich") -> pandas.DataFrame:
    """Return the accuracy on images of ImageNet that were not learned, as `curves` has recall: of the classes learned so far."""
    rows = chosen(
        tables["diagnostics"], condition=condition, meta_learning_set=stored_set(condition, meta_learning_set)
    )
    rows = chosen(rows, quantity="held-out accuracy")
    return _by_seed(rows, "classes", "value", f"held-out accuracy of {condition}, {meta_learning_set}") * 100


def control(tables: Tables, condition: str) -> dict[int, float]:
    """Return recall of ImageNet after the last class of a condition that Figure 5 C sets beside Grow, by seed."""
    curves = _by_seed(chosen(tables["controls"], condition=condition), "classes", "recall", f"recall of {condition}")
    return {} if curves.empty else (curves.iloc[:, -1] * 100).to_dict()


def varied(tables: Tables, variant: str) -> dict[int, float]:
    """Return recall after the last class of a variant of Grow's transfer to ImageNet, by seed."""
    rows = chosen(tables["variants"], condition="grow", meta_learning_set="rich", variant=variant)
    curves = _by_seed(rows, "classes", "recall", f"recall of the variant {variant}")
    return {} if curves.empty else (curves.iloc[:, -1] * 100).to_dict()


def omniglot(tables: Tables, condition: str, variant: str, accuracy: str) -> pandas.DataFrame:
    """Return accuracy after the last of the unseen Omniglot classes: one row per seed, one column, named by their number.

    accuracy: "recall" or "held_out".
    """
    rows = chosen(tables["omniglot"], condition=condition, meta_learning_set="rich", variant=variant)
    return _by_seed(rows, "classes", accuracy, f"{accuracy} of {condition}, {variant} on Omniglot") * 100


def image_regulation(tables: Tables) -> dict[int, tuple[ndarray, ndarray]]:
    """Return the mean C3 mask of the images of Grow's runs on ImageNet [images], by seed: trainable, and fixed.

    Trainable is noted before the image's own update. Fixed is the same where the map to C3 does not learn.
    """
    run, found = {"condition": "grow", "meta_learning_set": "rich"}, {}
    plain_runs, fixed_runs = tables["activity_imagenet"], tables["variant_activity"]
    for seed in () if fixed_runs.runs.empty else chosen(fixed_runs.runs, **run, variant="cp_only")["seed"]:
        (fixed,) = fixed_runs.of("mean_masks", **run, variant="cp_only", seed=seed)
        for trainable in plain_runs.of("mean_masks", **run, seed=seed):
            found[int(seed)] = trainable, fixed
    return found


def shared_extremes(tables: Tables) -> dict[str, ndarray]:
    """Return the share of a class's images that are extreme in exactly m Grow models: [classes, models + 1] (`membership`).

    Extreme are the sixth of the class with the lowest mean C3 mask before transfer ("diminishing") or the highest
    ("enhancing"), as 100 of 600 are in the paper. Without models there is nothing.
    """
    means = tables["image_masks"].of("mean_masks", condition="grow", meta_learning_set="rich")
    if not len(means):
        return {}
    images = means.shape[-1]
    sets = zip(("diminishing", "enhancing"), extremes(means, images // SETS), strict=True)
    return {name: membership(own, images) for name, own in sets}


def biases(tables: Tables, dataset: str = "imagenet") -> list[int]:
    """Return the points of the bias sweep that have runs, in increasing order."""
    runs = tables[TRANSFERS[dataset]]
    present = set(runs.loc[runs["meta_learning_set"] == "rich", "condition"])
    started = {bias for condition in present if (bias := initial_bias(condition)) is not None}
    return sorted(bias for bias in started if with_initial_bias(bias) in present)


def final_by_bias(tables: Tables) -> dict[int, list[float]]:
    """Return the recall of all runs of the bias sweep after their last class, by bias."""
    last = {bias: curves(tables, with_initial_bias(bias), "rich") for bias in biases(tables)}
    return {bias: table.iloc[:, -1].tolist() for bias, table in last.items() if not table.empty}


def tuning(tables: Tables) -> pandas.DataFrame:
    """Return what each learning rate reached on the tuning seeds: the columns of `tune`, with n in place of seed.

    Both kinds of recall are means in percent.
    """
    names = TUNE[1:6]
    rows = tables["tune"].groupby(names, sort=False, as_index=False)
    own = rows.agg(recall=("recall", "mean"), mean_recall=("mean_recall", "mean"), n=("seed", "nunique"))
    return own.assign(recall=own["recall"] * 100, mean_recall=own["mean_recall"] * 100)


def meta_iterations(tables: Tables) -> dict[str, list[int]]:
    """Return after how many meta-iterations the conditions of the table `transfer` were transferred."""
    return {name: sorted(set(rows["iterations"])) for name, rows in tables["transfer"].groupby("condition")}


def _by_seed(rows: pandas.DataFrame, column: str, value: str, what: str) -> pandas.DataFrame:
    """Return a column's values as columns, one row per seed. Raises ValueError for doubled runs and for holes."""
    twice = rows[rows.duplicated(["seed", column])]
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(
            f"{what} is there twice for seeds {seeds}: collect batches that do not overlap, and one length"
        )
    table = rows.pivot(index="seed", columns=column, values=value)
    if holes := table.index[table.isna().any(axis=1)].tolist():
        raise ValueError(f"{what}: seeds {holes} lack points that others have; run their transfer again")
    return table


def _blocks(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return the means over blocks of columns, which are numbered from 1."""
    ends = [min(-(-column // BLOCK) * BLOCK, table.columns.max()) for column in table.columns]
    return table.T.groupby(ends).mean().T
