"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Losses are compared seed by seed, as ratios, and ratios on the log scale: they differ by orders of magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from common.results.claims import Claim, Finding, both, within
from common.results.readers import Tables
from papers.dan import results
from papers.dan.protocol import DIGITS
from papers.dan.results import Runs, ratio

RANDOM = ("net2", "net3", "net4", "net5")
LATER_DIGITS = range(5, DIGITS)
FIGURE3_FUNCTIONS, FIGURE4_FUNCTIONS = 50, 20  # held out, at the least; with fewer the claims count as not run


def fit_is_kept(tables: Tables) -> list[Finding]:
    runs = results.normalised_memory(_with_functions(tables, FIGURE3_FUNCTIONS), "net0")
    return [_ratio_within("final memory loss / variance of the target, median over functions", runs, high=0.25)]


def unseen_does_not_improve(tables: Tables) -> list[Finding]:
    """Unseen sub-tasks are fitted no better than by the best constant, but for a tenth.

    Not against the loss at the start: where theta_0 starts far off, whatever is learned lowers the loss elsewhere, too.
    """
    what = (
        "loss of net0 on sub-tasks 2 to 5, right before each is learned / variance of the target, median over functions"
    )
    return [_ratio_within(what, results.unseen(_with_functions(tables, FIGURE3_FUNCTIONS), "net0"), low=0.9)]


def total_loss_falls(tables: Tables) -> list[Finding]:
    """Says little of phenotypes, for the same reason; the comparison has the ratio for the random networks too."""
    runs = results.total_ratio(_with_functions(tables, FIGURE4_FUNCTIONS), "net0")
    return [_ratio_within("total loss of net0, end / start", runs, high=0.5)]


def beats_random_phenotypes(tables: Tables) -> list[Finding]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    return _below_random("final total loss", results.total, tables)


def memory_loss_stays_low(tables: Tables) -> list[Finding]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    least = {seed: min(losses) for seed, losses in results.memory_at_borders(tables, "net0").items()}
    runs = ratio(results.memory(tables, "net0"), least)
    return [
        _ratio_within("memory loss of net0, end / least at a border of sub-tasks", runs, high=1.5),
        *_below_random("final memory loss", results.memory, tables),
    ]


def plastic_phenotype_does_not_help(tables: Tables) -> list[Finding]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    runs = ratio(results.memory(tables, "net0"), results.memory(tables, "net1"))
    return [_ratio_within("final memory loss, net0 / net1", runs, high=1)]


def one_phenotype_can_minimise(tables: Tables) -> list[Finding]:
    """The caption says "can successfully minimize", not that one is best: the comparison has the other ways of sharing."""
    channels = results.shared_channels(tables)
    end, start = (of(tables, "network", channels) for of in (results.meta_trained, results.first_meta_trained))
    return [
        _ratio_within(
            "memory loss with one phenotype, last / first tenth of meta-training", ratio(end, start), high=0.5
        )
    ]


def channels_speed_up(tables: Tables) -> list[Finding]:
    """By the area under the curve: when a noisy curve reaches a level is a matter of chance."""
    areas = {channels: results.area(tables, "network", channels) for channels in results.swept_channels(tables)}
    steps = [
        _ratio_within(f"area under the curve, n_channels {more} / {fewer}", ratio(areas[more], areas[fewer]), high=1)
        for fewer, more in pairwise(areas)
    ]
    return steps or [_ratio_within("area under the curve, more channels / fewer", {}, high=1)]


def all_digits_are_reconstructed(tables: Tables) -> list[Finding]:
    """The first finding is met by a network that puts out the mean image whatever it sees; hence the second."""
    runs = ratio(results.image_error(tables, "both", DIGITS), results.image_error_after_first_step(tables, "both"))
    against_mean = results.mean_image_ratio(tables, "both")
    return [
        _ratio_within("error of all images, end / after the first step", runs, high=0.3),
        _ratio_within("error of the first image of each digit at the end / of their mean image", against_mean, high=1),
    ]


def early_digits_are_retained(tables: Tables) -> list[Finding]:
    runs = results.digit0_retained(tables, "both")
    return [_ratio_within("error of digit 0, end / right after learning it", runs, high=2)]


def unseen_digits_improve(tables: Tables) -> list[Finding]:
    """The first finding is met by whatever learns the mean image, random phenotypes or not; hence the second."""
    before, after = (results.image_error(tables, "both", learned, LATER_DIGITS) for learned in (0, 5))
    of_random = results.image_error(tables, "random", 5, LATER_DIGITS)
    gain, lead = ratio(after, before), ratio(after, of_random)
    return [
        _ratio_within("error of digits 5 to 9, after digits 0 to 4 / before training", gain, high=1),
        _ratio_within("the same after digits 0 to 4, meta-trained / random phenotypes", lead, high=1),
    ]


def _ratio_within(what: str, runs: Runs, low: float = 0.0, high: float = math.inf) -> Finding:
    """Return whether the geometric mean over runs lies above low or below high: `within`, on the log scale."""
    bound = f"above {low:g}" if low else f"below {high:g}"
    if not runs:
        return Finding("not run", f"{what}: no runs (claimed {bound})")
    logs = {seed: math.log(value) for seed, value in runs.items()}
    outcome = within(what, logs, math.log(low) if low else -math.inf, math.log(high)).outcome
    own = results.geometric(runs)
    interval = f" [{own.ci_low:.3f}, {own.ci_high:.3f}]" if own.n > 1 else ""
    detail = f"{what}: {own.mean:.3f}{interval}, n = {own.n} (claimed {bound})"
    return Finding(outcome, detail + both(runs, low, high) * (outcome == "unclear"))


def _below_random(what: str, loss: Callable[[Tables, str], Runs], tables: Tables) -> list[Finding]:
    """Return whether a loss of net0 lies below that of each network with random phenotypes."""
    ours = loss(tables, "net0")
    return [_ratio_within(f"{what}, net0 / {name}", ratio(ours, loss(tables, name)), high=1) for name in RANDOM]


def _with_functions(tables: Tables, at_least: int) -> Tables:
    """Return the tables, or none if networks were deployed on fewer functions than a claim is about."""
    return tables if results.functions(tables) >= at_least else tables.only({})


_CLAIMS = [
    ("fig3", "A meta-trained network keeps a good fit of the whole function while learning it piecewise", fit_is_kept),
    ("fig3", "No forward transfer, since only the memory loss was optimised", unseen_does_not_improve),
    ("fig4TL", "Meta-trained, fixed, shared DANs lower the total loss as deployment proceeds", total_loss_falls),
    ("fig4TL", "The meta-trained network beats all with random DANs", beats_random_phenotypes),
    ("fig4TR", "Meta-trained, fixed DANs keep the memory loss low", memory_loss_stays_low),
    ("fig4TR", "A phenotype that is plastic in deployment does not help memory", plastic_phenotype_does_not_help),
    ("fig4BL", "One phenotype for the whole network can minimise the memory loss", one_phenotype_can_minimise),
    ("fig4BR", "More channels speed up the decrease of the memory loss", channels_speed_up),
    ("fig2", "At the end of deployment all ten digits are reconstructed", all_digits_are_reconstructed),
    ("fig2", "Digits seen earlier are retained", early_digits_are_retained),
    ("fig2", "Forward transfer: unseen digits improve while others are learned", unseen_digits_improve),
]
CLAIMS = [Claim(f"dan-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
