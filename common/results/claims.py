"""Qualitative claims as predicates: one rule for all papers that says whether runs bear a claim out.

A claim has one or more findings, each of which says between which bounds, fixed in advance, a mean over runs lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas

from common.results import stats


class Finding(NamedTuple):
    """One finding of a claim: whether it holds, and the numbers that say so."""

    outcome: str
    detail: str


class Claim(NamedTuple):
    """What a paper claims, where, and the predicate that turns our results into findings."""

    id: str
    artifact: str
    text: str
    predicate: Callable[[Any], list[Finding]]


def within(what: str, runs: Mapping[int, float], low: float = -math.inf, high: float = math.inf) -> Finding:
    """Return whether the mean over runs (value by seed) lies between the bounds, judged by its 95% interval.

    It holds if the whole interval lies inside, fails if the whole interval lies outside, and is unclear otherwise, as
    it always is with a single run. Of two runs it then says whether both lie on one side (`both`). For a paired comparison
    give the differences: `within(..., difference(a, b))`.
    """
    bounds = " and ".join([f"above {low:g}"] * math.isfinite(low) + [f"below {high:g}"] * math.isfinite(high))
    if not bounds:
        raise ValueError(f"within: {what} has no bound")
    if not runs:
        return Finding("not run", f"{what}: no runs (claimed {bounds})")
    own = stats.summary(runs.values())
    interval = f" [{own.ci_low:.2f}, {own.ci_high:.2f}]" if own.n > 1 else ""
    detail = f"{what}: {own.mean:.2f}{interval}, n = {own.n} (claimed {bounds})"
    if low < own.ci_low and own.ci_high < high:
        return Finding("holds", detail)
    if own.ci_high <= low or own.ci_low >= high:
        return Finding("fails", detail)
    return Finding("unclear", detail + both(runs, low, high))  # also with one run, whose interval is nan


def both(runs: Mapping[int, float], low: float, high: float) -> str:
    """Return what two runs say that decide nothing: that both lie outside the bounds, or inside; nothing of other runs.

    The interval of two is so wide, where they differ, that it may reach the bound however far beyond it each lies.
    """
    inside = [low < value < high for value in runs.values()]
    if len(inside) != 2 or inside[0] != inside[1]:
        return ""
    return f", both runs {'inside' if inside[0] else 'outside'}: {' and '.join(f'{value:,.2f}' for value in runs.values())}"


def where_defined(what: str, runs: Mapping[int, float], low: float = -math.inf, high: float = math.inf) -> Finding:
    """Return `within` of the runs that have the quantity: it is nan where, say, nothing fires. Unclear if none has it."""
    known = {seed: value for seed, value in runs.items() if not math.isnan(value)}
    if runs and not known:
        return Finding("unclear", f"{what}: undefined in all {len(runs)} runs")
    lacking = f" (undefined in {len(runs) - len(known)} of {len(runs)} runs)" if len(known) < len(runs) else ""
    return within(what + lacking, known, low, high)


def difference(a: Mapping[int, float], b: Mapping[int, float]) -> dict[int, float]:
    """Return a minus b for every seed that both have; empty if they share none."""
    return {seed: a[seed] - b[seed] for seed in a if seed in b}


def side_by_side(runs: Iterable[Mapping[int, float]]) -> dict[int, list[float]]:
    """Return the values of every seed that all runs have, in the order of the runs; empty if they share none."""
    runs = list(runs)
    return {seed: [run[seed] for run in runs] for seed in sorted(set.intersection(*map(set, runs)))}


def outcome(findings: Iterable[Finding]) -> str:
    """Return the outcome of a claim: it fails if one finding fails, and holds only if all hold."""
    found = {finding.outcome for finding in findings}
    if not found:
        raise ValueError("outcome: a claim needs at least one finding")
    return next(outcome for outcome in ("fails", "not run", "unclear", "holds") if outcome in found)


def check(claims: Iterable[Claim], results: Any) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome, and detail, our numbers behind it."""
    rows = []
    for claim in claims:
        findings = claim.predicate(results)
        detail = "; ".join(finding.detail for finding in findings)
        rows.append((claim.id, claim.artifact, claim.text, outcome(findings), detail))
    return pandas.DataFrame(rows, columns=["id", "artifact", "claim", "outcome", "detail"])
