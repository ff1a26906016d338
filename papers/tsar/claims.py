"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Predicates take the tables by name and return their findings. Recall and bounds are in percent; conditions are compared
seed by seed.
"""

from __future__ import annotations

from common.results.claims import Claim, Finding, difference, within
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.protocol import with_initial_bias

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
        within("Sculpt - 0.7 x Sculpt after class 10", difference(_final(tables, "sculpt"), bound), high=0),
        within("OML", _final(tables, "oml"), high=25),
        within("Scratch", _final(tables, "scratch"), high=3),
    ]


def conditions_are_ordered(tables: Tables) -> list[Finding]:
    return [
        within("Grow - Sculpt", _gap(tables, "grow", "sculpt"), low=0),
        within("Sculpt - OML", _gap(tables, "sculpt", "oml"), low=0),
        within("OML - Scratch", _gap(tables, "oml", "scratch"), low=0),
    ]


def scratch_ends_at_chance(tables: Tables) -> list[Finding]:
    return [within("Scratch", _final(tables, "scratch"), low=0, high=2)]


def scarce_data_spare_grow_alone(tables: Tables) -> list[Finding]:
    return [
        within("Grow, rich - scarce", difference(_final(tables, "grow"), _final(tables, "grow", "scarce")), high=12),
        within("Sculpt, scarce", _final(tables, "sculpt", "scarce"), high=30),
        within("OML, scarce", _final(tables, "oml", "scarce"), high=10),
    ]


def scarce_data_widen_the_gap(tables: Tables) -> list[Finding]:
    scarce, rich = (_gap(tables, "grow", "sculpt", name) for name in ("scarce", "rich"))
    return [within("Grow - Sculpt, scarce - rich", difference(scarce, rich), low=0)]


def best_bias_is_near_minus_eight(tables: Tables) -> list[Finding]:
    runs = {bias: _final(tables, with_initial_bias(bias)) for bias in results.biases(tables)}
    means = {bias: sum(values.values()) / len(values) for bias, values in runs.items() if values}
    regions = [[bias for bias in means if low <= bias <= high] for low, high in SWEEP_REGIONS]
    if not all(regions):
        return [Finding("not run", f"the sweep holds only the biases {', '.join(map(str, means)) or 'none'}")]
    near = max((bias for bias in means if -10 <= bias <= -6), key=means.__getitem__)
    rest = max((bias for bias in means if not -10 <= bias <= -6), key=means.__getitem__)
    positive = max((bias for bias in means if bias > 0), key=means.__getitem__)
    best = max(near, rest, key=means.__getitem__)
    return [
        within(f"bias {near} - bias {rest}, the best outside -10..-6", difference(runs[near], runs[rest]), low=0),
        within(f"best bias {best} - bias 0", difference(runs[best], runs[0]), low=10),
        within(f"best positive bias {positive} - bias 0", difference(runs[positive], runs[0]), high=5),
    ]


def _final(tables: Tables, condition: str, meta_learning_set: str = "rich") -> dict[int, float]:
    """Return recall after all classes, by seed."""
    return results.recall(tables, condition, meta_learning_set, CLASSES)


def _gap(tables: Tables, a: str, b: str, meta_learning_set: str = "rich") -> dict[int, float]:
    """Return by how much a's final recall exceeds b's, by seed."""
    return difference(_final(tables, a, meta_learning_set), _final(tables, b, meta_learning_set))


CLAIMS = [
    Claim("tsar-01", "fig1A", "Grow still recalls nearly everything after 100 ImageNet classes", grow_retains),
    Claim("tsar-02", "fig1A", "Grow recalls far more than Sculpt", grow_beats_sculpt),
    Claim("tsar-03", "fig1A", "Sculpt, OML and Scratch forget most of what they learned", others_forget),
    Claim("tsar-04", "fig1A", "The order is Grow, Sculpt, OML, Scratch", conditions_are_ordered),
    Claim("tsar-05", "fig1A", "Scratch ends at chance", scratch_ends_at_chance),
    Claim("tsar-06", "fig1B", "With scarce data Grow loses little, the others collapse", scarce_data_spare_grow_alone),
    Claim("tsar-07", "fig1", "Grow's lead over Sculpt is larger with scarce data", scarce_data_widen_the_gap),
    Claim("tsar-08", "fig1C", "Recall is best near bias -8 and lower at 0 and above", best_bias_is_near_minus_eight),
]
