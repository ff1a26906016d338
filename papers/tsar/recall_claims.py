"""The paper's claims on recall, as predicates: what must be so in the collected tables.

Predicates take the tables by name and return their findings. Recall and bounds are in percent; conditions are compared
seed by seed.
"""

from __future__ import annotations

import itertools

from common.results.claims import Finding, difference, within
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.conditions import LABELS
from papers.tsar.protocol import NAMED_BIASES, with_initial_bias
from papers.tsar.results import DATASETS

CLASSES, EARLY = 100, 10  # the claims speak of recall after all classes, and of how much was lost since the tenth
SWEEP_REGIONS = ((-12, -11), (-10, -6), (-5, -1), (0, 0), (1, 12))  # each needs a bias to say where recall is best


def grow_retains(tables: Tables) -> list[Finding]:
    final, early = (results.recall(tables, "grow", "rich", classes) for classes in (CLASSES, EARLY))
    return [within("Grow", final, low=85), within("Grow, change since class 10", difference(final, early), low=-8)]


def grow_beats_sculpt(tables: Tables) -> list[Finding]:
    return [within("Grow - Sculpt", _gap(tables, "grow", "sculpt"), low=10)]


def others_forget(tables: Tables) -> list[Finding]:
    early = results.recall(tables, "sculpt", "rich", EARLY)
    bound = {seed: 0.7 * recall for seed, recall in early.items()}
    return [
        within("Sculpt - 0.7 x Sculpt after class 10", difference(recall_after_all(tables, "sculpt"), bound), high=0),
        within("OML", recall_after_all(tables, "oml"), high=25),
        within("Scratch", recall_after_all(tables, "scratch"), high=3),
    ]


def conditions_are_ordered(tables: Tables) -> list[Finding]:
    return [
        within("Grow - Sculpt", _gap(tables, "grow", "sculpt"), low=0),
        within("Sculpt - OML", _gap(tables, "sculpt", "oml"), low=0),
        within("OML - Scratch", _gap(tables, "oml", "scratch"), low=0),
    ]


def scratch_ends_at_chance(tables: Tables) -> list[Finding]:
    return [within("Scratch", recall_after_all(tables, "scratch"), low=0, high=2)]


def scarce_data_spare_grow_alone(tables: Tables) -> list[Finding]:
    return [
        within(
            "Grow, rich - scarce",
            difference(recall_after_all(tables, "grow"), recall_after_all(tables, "grow", "scarce")),
            high=12,
        ),
        within("Sculpt, scarce", recall_after_all(tables, "sculpt", "scarce"), high=30),
        within("OML, scarce", recall_after_all(tables, "oml", "scarce"), high=10),
    ]


def scarce_data_widen_the_gap(tables: Tables) -> list[Finding]:
    scarce, rich = (_gap(tables, "grow", "sculpt", name) for name in ("scarce", "rich"))
    return [within("Grow - Sculpt, scarce - rich", difference(scarce, rich), low=0)]


def best_bias_is_near_minus_eight(tables: Tables) -> list[Finding]:
    if lacking := lacking_biases(tables):
        return lacking
    runs, means = _sweep(tables)
    near, rest = _best_within(means, -10, -6)
    best, positive = max(near, rest, key=means.__getitem__), max((b for b in means if b > 0), key=means.__getitem__)
    return [
        within(f"bias {near} - bias {rest}, the best outside -10..-6", difference(runs[near], runs[rest]), low=0),
        within(f"best bias {best} - bias 0", difference(runs[best], runs[0]), low=10),
        within(f"best positive bias {positive} - bias 0", difference(runs[positive], runs[0]), high=5),
    ]


def best_bias_is_the_same_on_both(tables: Tables) -> list[Finding]:
    """On each data set the best bias within 2 of the other's best must beat all others: that has an interval over models."""
    if lacking := [*lacking_biases(tables), *lacking_biases(tables, "cifar100")]:
        return lacking
    findings = []
    for dataset, other in (("imagenet", "cifar100"), ("cifar100", "imagenet")):
        runs, means = _sweep(tables, dataset)
        _, elsewhere = _sweep(tables, other)
        best = max(elsewhere, key=elsewhere.__getitem__)
        near, rest = _best_within(means, best - 2, best + 2)
        what = f"{DATASETS[dataset]}, bias {near} - bias {rest} (best of {DATASETS[other]}: {best})"
        findings.append(within(what, difference(runs[near], runs[rest]), low=0))
    return findings


def cifar_is_ordered(tables: Tables) -> list[Finding]:
    order = {"grow": "Grow", "sculpt": "Sculpt", "anml": "ANML", "oml": "OML"}
    return [
        within(f"{order[a]} - {order[b]}", _gap(tables, a, b, dataset="cifar100"), low=0)
        for a, b in itertools.pairwise(order)
    ]


def both_data_sets_are_alike(tables: Tables) -> list[Finding]:
    return [
        within(
            f"{LABELS[name]}, ImageNet - CIFAR-100",
            difference(recall_after_all(tables, name), recall_after_all(tables, name, dataset="cifar100")),
            low=-6,
            high=6,
        )
        for name in NAMED_BIASES
    ]


def untrained_regulation_is_worse(tables: Tables) -> list[Finding]:
    others = {"reservoir-8": "Reservoir", "no_regulation": "No Reg."}
    return [within(f"Grow - {others[other]}", _gap(tables, "grow", other), low=0) for other in others]


def lacking_biases(tables: Tables, dataset: str = "imagenet") -> list[Finding]:
    """Return that the sweep was not run, if it lacks a bias that says where recall is best; nothing otherwise."""
    _, means = _sweep(tables, dataset)
    if all(any(low <= bias <= high for bias in means) for low, high in SWEEP_REGIONS):
        return []
    held = ", ".join(map(str, means)) or "none"
    return [Finding("not run", f"the sweep on {DATASETS[dataset]} holds only the biases {held}")]


def _sweep(tables: Tables, dataset: str = "imagenet") -> tuple[dict[int, dict[int, float]], dict[int, float]]:
    """Return final recall of every bias that was run, by seed; and its mean."""
    runs = {
        bias: recall_after_all(tables, with_initial_bias(bias), dataset=dataset)
        for bias in results.biases(tables, dataset)
    }
    return runs, {bias: sum(own.values()) / len(own) for bias, own in runs.items() if own}


def _best_within(means: dict[int, float], low: int, high: int) -> tuple[int, int]:
    """Return the bias between low and high that recalls most, and the one that does outside."""
    near = max((bias for bias in means if low <= bias <= high), key=means.__getitem__)
    return near, max((bias for bias in means if not low <= bias <= high), key=means.__getitem__)


def recall_after_all(
    tables: Tables, condition: str, meta_learning_set: str = "rich", dataset: str = "imagenet"
) -> dict[int, float]:
    """Return recall after all classes, by seed."""
    return results.recall(tables, condition, meta_learning_set, CLASSES, dataset)


def _gap(
    tables: Tables, a: str, b: str, meta_learning_set: str = "rich", dataset: str = "imagenet"
) -> dict[int, float]:
    """Return by how much a's final recall exceeds b's, by seed."""
    return difference(*(recall_after_all(tables, condition, meta_learning_set, dataset) for condition in (a, b)))
