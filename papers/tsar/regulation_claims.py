"""The paper's claims on what its regulation does to synapses, as predicates: what must be so in tables and arrays.

They are on Grow after data-rich meta-learning, under transfer to ImageNet, unless they say otherwise. Models are compared
seed by seed; shares, R^2 and 1 - Spearman are in percent. Where an average is over tasks, those without a value are left
out.
"""

from __future__ import annotations

import itertools

import numpy
import scipy
from numpy import ndarray

from common.results.claims import Finding, difference, side_by_side, where_defined, within
from common.results.readers import Tables
from papers.tsar import activity
from papers.tsar.protocol import NAMED_BIASES
from papers.tsar.regulation import final_percentile, of_regulation, percent
from papers.tsar.results import DATASETS

LAYERS = ("c1", "c2", "c3")


def no_task_has_its_own_synapses(tables: Tables) -> list[Finding]:
    correlation, shared = (
        of_regulation(tables, mean_of_known, f"{name}_c3") for name in ("rank_correlation", "top_shared")
    )
    return [
        where_defined("Spearman's correlation of ranks within and outside a task, C3", correlation, low=0.9),
        where_defined("share of a task's top 1% in the top 5% elsewhere, C3", percent(shared), low=80),
    ]


def no_synapse_changes_its_rank(tables: Tables) -> list[Finding]:
    return [
        where_defined(
            f"largest change of log10 rank between a task and elsewhere, {layer.upper()}, {DATASETS[dataset]}",
            of_regulation(tables, numpy.fmax.reduce, f"largest_rank_change_{layer}", dataset=dataset),
            high=1.5,
        )
        for dataset, layer in itertools.product(DATASETS, LAYERS)
    ]


def depth_adds_context(tables: Tables) -> list[Finding]:
    return [
        where_defined(
            f"1 - Spearman, {deep.upper()} - {shallow.upper()}, {DATASETS[dataset]}",
            difference(_sensitivity(tables, deep, dataset), _sensitivity(tables, shallow, dataset)),
            low=0,
        )
        for dataset, (shallow, deep) in itertools.product(DATASETS, itertools.pairwise(LAYERS))
    ]


def scarce_data_reduce_context(tables: Tables) -> list[Finding]:
    return [
        where_defined(
            f"1 - Spearman, rich - scarce, {layer.upper()}, {DATASETS[dataset]}",
            difference(*(_sensitivity(tables, layer, dataset, name) for name in ("rich", "scarce"))),
            low=0,
        )
        for dataset, layer in itertools.product(DATASETS, LAYERS)
    ]


def rich_data_are_more_scale_free(tables: Tables) -> list[Finding]:
    rich, scarce = (straightness(tables, "c3", "grow", name) for name in ("rich", "scarce"))
    return [where_defined("R^2 of Grow, rich - scarce, C3", difference(rich, scarce), low=0)]


def grow_is_more_scale_free(tables: Tables) -> list[Finding]:
    gaps = {layer: difference(*(straightness(tables, layer, name) for name in ("grow", "sculpt"))) for layer in LAYERS}
    return [where_defined(f"R^2, Grow - Sculpt, {layer.upper()}", gap, low=0) for layer, gap in gaps.items()]


def few_synapses_are_disinhibited(tables: Tables) -> list[Finding]:
    """The log begins later than the start. There the maps' outputs are normal, with the initial bias as mean and SD 1."""
    start = float(scipy.special.expit(NAMED_BIASES["grow"] + scipy.stats.norm.ppf(0.99)))
    foremost = {seed: last / start for seed, last in final_percentile(tables, "grow", 99).items()}
    return [
        within("99th percentile of C3 regulation, end / start", foremost, low=10),
        within("median of C3 regulation at the end", percent(final_percentile(tables, "grow", 50)), high=5),
    ]


def sculpt_stays_permissive(tables: Tables) -> list[Finding]:
    medians = side_by_side(final_percentile(tables, name, 50) for name in ("sculpt", "grow"))
    ratios = {seed: sculpt / grow for seed, (sculpt, grow) in medians.items()}
    return [within("median of C3 regulation at the end, Sculpt / Grow", ratios, low=10)]


def _sensitivity(tables: Tables, layer: str, dataset: str, meta_learning_set: str = "rich") -> dict[int, float]:
    """Return 1 - Spearman's correlation of ranks, the mean over tasks, in percent."""
    kind = {"meta_learning_set": meta_learning_set, "dataset": dataset}
    return of_regulation(tables, lambda own: 100 * (1 - mean_of_known(own)), f"rank_correlation_{layer}", **kind)


def straightness(tables: Tables, layer: str, condition: str, meta_learning_set: str = "rich") -> dict[int, float]:
    """Return R^2 of the line through the log-log CCDF of regulation, in percent."""

    def r2(counts: ndarray) -> float:
        return 100 * activity.power_law(*activity.ccdf(counts))[1]

    kind = {"condition": condition, "meta_learning_set": meta_learning_set}
    return of_regulation(tables, r2, f"regulation_{layer}", **kind)


def mean_of_known(values: ndarray) -> float:
    """Return the mean of those that are not nan; nan without any."""
    known = values[numpy.isfinite(values)]
    return known.mean() if known.size else numpy.nan
