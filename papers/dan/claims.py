"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Predicates take the tables by name and return their conditions. Losses are compared seed by seed, as ratios: they differ
by orders of magnitude.
"""

from __future__ import annotations

from itertools import pairwise

from common.claims import Claim, Condition, within
from common.collected import Tables
from papers.dan import evidence
from papers.dan.conditions import DIGITS
from papers.dan.evidence import ratio

RANDOM = ("net2", "net3", "net4", "net5")
FIGURE3_FUNCTIONS, FIGURE4_FUNCTIONS = 50, 20  # held out, at the least; with fewer the claims count as not run


def fit_is_kept(tables: Tables) -> list[Condition]:
    runs = evidence.normalised_memory(_with_functions(tables, FIGURE3_FUNCTIONS), "net0")
    return [within("final memory loss / variance of the target, median over functions", runs, high=0.25)]


def unseen_does_not_improve(tables: Tables) -> list[Condition]:
    runs = evidence.change_while_unseen(tables, "net0")
    return [within("change of the loss on unseen sub-tasks over the deployment / loss at its start", runs, low=-0.1)]


def total_loss_falls(tables: Tables) -> list[Condition]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    runs = ratio(evidence.total(tables, "net0"), evidence.total(tables, "net0", after=0))
    return [within("total loss of net0, end / start", runs, high=0.5)]


def beats_random_phenotypes(tables: Tables) -> list[Condition]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    ours = evidence.total(tables, "net0")
    return [
        within(f"final total loss, net0 / {name}", ratio(ours, evidence.total(tables, name)), high=1) for name in RANDOM
    ]


def memory_loss_stays_low(tables: Tables) -> list[Condition]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    ours = evidence.memory(tables, "net0")
    least = {seed: min(losses) for seed, losses in evidence.memory_at_borders(tables, "net0").items()}
    return [
        within("memory loss of net0, end / least at a border of sub-tasks", ratio(ours, least), high=1.5),
        *(
            within(f"final memory loss, net0 / {name}", ratio(ours, evidence.memory(tables, name)), high=1)
            for name in RANDOM
        ),
    ]


def plastic_phenotype_does_not_help(tables: Tables) -> list[Condition]:
    tables = _with_functions(tables, FIGURE4_FUNCTIONS)
    runs = ratio(evidence.memory(tables, "net0"), evidence.memory(tables, "net1"))
    return [within("final memory loss, net0 / net1", runs, high=1)]


def one_phenotype_is_best(tables: Tables) -> list[Condition]:
    channels = evidence.shared_channels(tables)
    ours = evidence.meta_trained(tables, "network", channels)
    return [
        within(
            f"memory loss at the end of meta-training, one phenotype / {what}",
            ratio(ours, evidence.meta_trained(tables, sharing, channels)),
            high=1.1,
        )
        for sharing, what in (("layer", "one per layer"), ("none", "one per DAN"))
    ]


def channels_speed_up(tables: Tables) -> list[Condition]:
    """By the area under the curve: when a noisy curve reaches a level is a matter of chance."""
    areas = {channels: evidence.area(tables, "network", channels) for channels in evidence.swept_channels(tables)}
    steps = [
        within(f"area under the curve, n_channels {more} / {fewer}", ratio(areas[more], areas[fewer]), high=1)
        for fewer, more in pairwise(areas)
    ]
    return steps or [within("area under the curve, more channels / fewer", {}, high=1)]


def all_digits_are_reconstructed(tables: Tables) -> list[Condition]:
    runs = ratio(
        evidence.image_error(tables, "both", DIGITS),
        evidence.image_error_after_first_step(tables, "both"),
    )
    return [within("error of all images, end / after the first step", runs, high=0.3)]


def early_digits_are_retained(tables: Tables) -> list[Condition]:
    runs = evidence.digit0_retained(tables, "both")
    return [within("error of digit 0, end / right after learning it", runs, high=2)]


def unseen_digits_improve(tables: Tables) -> list[Condition]:
    unseen = range(5, DIGITS)
    before, after = (evidence.image_error(tables, "both", learned, unseen) for learned in (0, 5))
    return [within("error of digits 5 to 9, after digits 0 to 4 / before training", ratio(after, before), high=1)]


def _with_functions(tables: Tables, at_least: int) -> Tables:
    """Return the tables, or none if networks were deployed on fewer functions than a claim is about."""
    return tables if evidence.functions(tables) >= at_least else {}


_CLAIMS = [
    ("fig3", "A meta-trained network keeps a good fit of the whole function while learning it piecewise", fit_is_kept),
    ("fig3", "No forward transfer, since only the memory loss was optimised", unseen_does_not_improve),
    ("fig4TL", "Meta-trained, fixed, shared DANs lower the total loss as deployment proceeds", total_loss_falls),
    ("fig4TL", "The meta-trained network beats all with random DANs", beats_random_phenotypes),
    ("fig4TR", "Meta-trained, fixed DANs keep the memory loss low", memory_loss_stays_low),
    ("fig4TR", "A phenotype that is plastic in deployment does not help memory", plastic_phenotype_does_not_help),
    ("fig4BL", "One phenotype for the whole network minimises the memory loss of meta-training", one_phenotype_is_best),
    ("fig4BR", "More channels speed up the decrease of the memory loss", channels_speed_up),
    ("fig2", "At the end of deployment all ten digits are reconstructed", all_digits_are_reconstructed),
    ("fig2", "Digits seen earlier are retained", early_digits_are_retained),
    ("fig2", "Forward transfer: unseen digits improve while others are learned", unseen_digits_improve),
]
CLAIMS = [Claim(f"dan-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
