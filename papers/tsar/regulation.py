"""What models' regulation shows, by seed: statistics of the arrays that transfer notes, and of the log of meta-learning."""

from __future__ import annotations

from collections.abc import Callable

from common.results.arrays import Arrays
from common.results.readers import Tables, chosen


def of_regulation(
    tables: Tables,
    statistic: Callable[..., float],
    *names: str,
    condition: str = "grow",
    meta_learning_set: str = "rich",
    dataset: str = "imagenet",
) -> dict[int, float]:
    """Return a statistic of arrays that transfer runs noted of their regulation, by seed; empty if there are none."""
    noted: Arrays = tables[f"activity_{dataset}"]
    if noted.runs.empty:
        return {}
    kind = {"condition": condition, "meta_learning_set": meta_learning_set}
    runs = zip(*(noted.of(name, **kind) for name in names), strict=True)
    return {seed: float(statistic(*own)) for seed, own in zip(chosen(noted.runs, **kind)["seed"], runs, strict=True)}


def percent(shares: dict[int, float]) -> dict[int, float]:
    """Return shares, by seed, in percent."""
    return {seed: 100 * share for seed, share in shares.items()}


def final_percentile(tables: Tables, condition: str, q: float) -> dict[int, float]:
    """Return a percentile of C3 regulation, by seed, when it was last noted in data-rich meta-learning."""
    quantity = f"C3 regulation, percentile {q:g}"
    rows = chosen(tables["meta_learning"], condition=condition, meta_learning_set="rich", quantity=quantity)
    return rows.sort_values("iteration").groupby("seed")["value"].last().to_dict()
