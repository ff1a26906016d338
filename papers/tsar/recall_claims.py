"""The paper's claims on recall, as predicates: what must be so in the collected tables.

Predicates take the tables by name and return their findings. Recall and bounds are in percent; conditions are compared
seed by seed.
"""

from __future__ import annotations

import itertools
import math

from common.results import stats
from common.results.claims import Finding, difference, side_by_side, where_defined, within
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.conditions import LABELS
from papers.tsar.protocol import NAMED_BIASES

OMNIGLOT_CLASSES = 600
CLASSES, EARLY = 100, 10  # the claims speak of recall after all classes, and of how much was lost since the tenth


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
    grow = recall_after_all(tables, "grow")
    return [
        within(f"Grow - {label}", difference(grow, results.control(tables, other)), low=0)
        for other, label in others.items()
    ]


def omniglot_is_remembered(tables: Tables) -> list[Finding]:
    learned, held_out = (
        difference(*(_on_omniglot(tables, condition, "plain", accuracy) for condition in ("grow", "anml")))
        for accuracy in ("recall", "held_out")
    )
    return [
        within("Grow - ANML after 600 classes, drawings that were learned", learned, low=0),
        within("Grow - ANML after 600 classes, other drawings", held_out, high=0),
    ]


def fixed_maps_generalise_better(tables: Tables) -> list[Finding]:
    fixed, plain = (_on_omniglot(tables, "grow", variant) for variant in ("cp_only", "plain"))
    return [
        within(
            "Grow after 600 classes, maps to C1, C2 and C3 fixed - not fixed, other drawings",
            difference(fixed, plain),
            low=3,
        )
    ]


def sequence_costs_little(tables: Tables) -> list[Finding]:
    """By accuracy on drawings that were not learned, as the paper's 15.5% is."""
    runs = side_by_side(_on_omniglot(tables, "grow", variant) for variant in ("cp_only", "cp_only_iid"))
    costs = {seed: 100 * (1 - sequence / iid) if iid else math.nan for seed, (sequence, iid) in runs.items()}
    return [
        where_defined(
            "accuracy on other drawings of 600 classes lost to the sequence, of that of IID training", costs, high=25
        )
    ]


def recall_is_not_generalisation(tables: Tables) -> list[Finding]:
    accuracy = results.held_out(tables, "grow")
    unseen = accuracy[CLASSES].to_dict() if CLASSES in accuracy else {}
    return [
        within(
            "Grow, recall - accuracy on images not learned",
            difference(recall_after_all(tables, "grow"), unseen),
            low=50,
        )
    ]


def mixtures_are_best(tables: Tables) -> list[Finding]:
    """Even mixtures, of which the paper speaks, stand for "mixed or random". Intervals of recall itself must not overlap."""
    return [_apart(tables, "mixed", other) for other in ("enhancing", "diminishing")]


def cp_alone_is_not_enough(tables: Tables) -> list[Finding]:
    alone = results.varied(tables, "cp_only")
    return [
        within("Grow, all maps learn - that to CP alone", difference(recall_after_all(tables, "grow"), alone), low=0)
    ]


def _on_omniglot(tables: Tables, condition: str, variant: str, accuracy: str = "held_out") -> dict[int, float]:
    """Return accuracy after the last of Omniglot's classes, by seed; of other numbers of classes there is none."""
    table = results.omniglot(tables, condition, variant, accuracy)
    return table[OMNIGLOT_CLASSES].to_dict() if OMNIGLOT_CLASSES in table else {}


def _apart(tables: Tables, higher: str, lower: str) -> Finding:
    """Return whether one variant's 95% interval lies above another's: it fails below, and is unclear if they overlap."""
    runs = {variant: results.varied(tables, variant) for variant in (higher, lower)}
    if not all(runs.values()):
        return Finding("not run", f"{higher} and {lower}: no runs (claimed apart, {higher} above)")
    one, other = (stats.summary(own.values()) for own in runs.values())
    intervals = [
        f"{own.mean:.2f}" + (f" [{own.ci_low:.2f}, {own.ci_high:.2f}]" if own.n > 1 else "") + f", n = {own.n}"
        for own in (one, other)
    ]
    outcome = "holds" if one.ci_low > other.ci_high else "fails" if one.ci_high < other.ci_low else "unclear"
    detail = ", ".join(f"{variant}: {interval}" for variant, interval in zip(runs, intervals, strict=True))
    return Finding(outcome, f"{detail} (claimed apart, {higher} above)")


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
