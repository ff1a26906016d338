"""The paper's qualitative claims, each with its predicate: what must be so in the collected transfer table.

Predicates take the table as `recall.read` returns it and return their conditions. Recall and bounds are in percent;
treatments are compared seed by seed.
"""

from __future__ import annotations

import pandas

from common.claims import Claim, Condition, difference, within
from papers.tsar.recall import after, sweep

CLASSES, EARLY = 100, 10  # the claims speak of recall after all classes, and of how much was lost since the tenth
SWEEP_REGIONS = ((-12, -11), (-10, -6), (-5, -1), (0, 0), (1, 12))  # each needs a bias to say where recall is best


def grow_retains(results: pandas.DataFrame) -> list[Condition]:
    final, early = (after(results, "grow", "rich", classes) for classes in (CLASSES, EARLY))
    return [
        within("Grow", final, low=85),
        within("Grow, change since class 10", difference(final, early), low=-8),
    ]


def grow_beats_sculpt(results: pandas.DataFrame) -> list[Condition]:
    return [within("Grow - Sculpt", _gap(results, "grow", "sculpt", "rich"), low=10)]


def others_forget(results: pandas.DataFrame) -> list[Condition]:
    sculpt, early = (after(results, "sculpt", "rich", classes) for classes in (CLASSES, EARLY))
    early = {seed: 0.7 * recall for seed, recall in early.items()}
    return [
        within("Sculpt - 0.7 x Sculpt after class 10", difference(sculpt, early), high=0),
        within("OML", after(results, "oml", "rich", CLASSES), high=25),
        within("Scratch", after(results, "scratch", "rich", CLASSES), high=3),
    ]


def treatments_are_ordered(results: pandas.DataFrame) -> list[Condition]:
    return [
        within("Grow - Sculpt", _gap(results, "grow", "sculpt", "rich"), low=0),
        within("Sculpt - OML", _gap(results, "sculpt", "oml", "rich"), low=0),
        within("OML - Scratch", _gap(results, "oml", "scratch", "rich"), low=0),
    ]


def scratch_ends_at_chance(results: pandas.DataFrame) -> list[Condition]:
    return [within("Scratch", after(results, "scratch", "rich", CLASSES), low=0, high=2)]


def scarce_data_spare_grow_alone(results: pandas.DataFrame) -> list[Condition]:
    rich, scarce = (after(results, "grow", condition, CLASSES) for condition in ("rich", "scarce"))
    return [
        within("Grow, rich - scarce", difference(rich, scarce), high=12),
        within("Sculpt, scarce", after(results, "sculpt", "scarce", CLASSES), high=30),
        within("OML, scarce", after(results, "oml", "scarce", CLASSES), high=10),
    ]


def scarce_data_widen_the_gap(results: pandas.DataFrame) -> list[Condition]:
    scarce, rich = (_gap(results, "grow", "sculpt", condition) for condition in ("scarce", "rich"))
    return [within("Grow - Sculpt, scarce - rich", difference(scarce, rich), low=0)]


def best_bias_is_near_minus_eight(results: pandas.DataFrame) -> list[Condition]:
    runs = {b: after(results, treatment, "rich", CLASSES) for b, treatment in sweep(results).items()}
    means = {b: sum(values.values()) / len(values) for b, values in runs.items() if values}
    regions = [[b for b in means if low <= b <= high] for low, high in SWEEP_REGIONS]
    if not all(regions):
        return [Condition("not run", f"the sweep holds only the biases {', '.join(map(str, means)) or 'none'}")]
    near = max((b for b in means if -10 <= b <= -6), key=means.get)
    rest = max((b for b in means if not -10 <= b <= -6), key=means.get)
    positive = max((b for b in means if b > 0), key=means.get)
    best = max(near, rest, key=means.get)
    return [
        within(f"bias {near} - bias {rest}, the best outside -10..-6", difference(runs[near], runs[rest]), low=0),
        within(f"best bias {best} - bias 0", difference(runs[best], runs[0]), low=10),
        within(f"best positive bias {positive} - bias 0", difference(runs[positive], runs[0]), high=5),
    ]


def _gap(results: pandas.DataFrame, a: str, b: str, condition: str) -> dict[int, float]:
    """Return by how much a's final recall exceeds b's, by seed."""
    return difference(after(results, a, condition, CLASSES), after(results, b, condition, CLASSES))


CLAIMS = [
    Claim("tsar-01", "fig1A", "Grow still recalls nearly everything after 100 ImageNet classes", grow_retains),
    Claim("tsar-02", "fig1A", "Grow recalls far more than Sculpt", grow_beats_sculpt),
    Claim("tsar-03", "fig1A", "Sculpt, OML and Scratch forget most of what they learned", others_forget),
    Claim("tsar-04", "fig1A", "The order is Grow, Sculpt, OML, Scratch", treatments_are_ordered),
    Claim("tsar-05", "fig1A", "Scratch ends at chance", scratch_ends_at_chance),
    Claim("tsar-06", "fig1B", "With scarce data Grow loses little, the others collapse", scarce_data_spare_grow_alone),
    Claim("tsar-07", "fig1", "Grow's lead over Sculpt is larger with scarce data", scarce_data_widen_the_gap),
    Claim("tsar-08", "fig1C", "Recall is best near bias -8 and lower at 0 and above", best_bias_is_near_minus_eight),
]
