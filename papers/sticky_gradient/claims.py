"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Predicates take the tables by name and return their findings. Accuracies, and everything else that is a share, are in
percent; conditions are compared seed by seed.
"""

from __future__ import annotations

from functools import partial

import numpy
import pandas
import torch

from common.results.claims import Claim, Finding, difference, within
from common.results.readers import Tables
from papers.sticky_gradient import distributions, results
from papers.sticky_gradient.conditions import LABELS
from papers.sticky_gradient.method import plasticity
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.results import TASKS

SMART, STICKY_SMART = "smart", "sticky-smart"
FAR = 0.87  # from the attractor, where f has all but reached lambda
TRAPPED = 0.05  # nearer to the attractor than this, a weight counts as frozen


def both_beat_the_control(tables: Tables) -> list[Finding]:
    return [
        within(f"{LABELS[method]} - control", results.margin(tables, method, CONTROL), low=10) for method in (FULL, EWC)
    ]


def ewc_is_slightly_better(tables: Tables) -> list[Finding]:
    return [within("EWC - sticky gradient", results.margin(tables, EWC, FULL), 0, 5)]


def ewc_lead_shrinks(tables: Tables) -> list[Finding]:
    """The largest lead is looked for in the mean over seeds: in single runs, chance alone makes one stand out."""
    *earlier, (_, last) = ((tasks, results.margin(tables, EWC, FULL, tasks=tasks)) for tasks in range(3, TASKS + 1))
    tasks, largest = max(earlier, key=lambda lead: sum(lead[1].values()))
    return [within(f"lead of EWC after {tasks} tasks (largest of 3 to 9) - after 10", difference(largest, last), low=0)]


def ewc_leads_more_on_previous_tasks(tables: Tables) -> list[Finding]:
    overall, previous = (results.margin(tables, EWC, FULL, measure) for measure in ("all", "previous"))
    return [
        within("lead of EWC on previous - on all tasks", difference(previous, overall), low=0),
        within("lead of EWC on all tasks", overall, low=0),
    ]


def sticky_learns_new_tasks_better(tables: Tables) -> list[Finding]:
    return [within("sticky gradient - EWC, newest task", results.margin(tables, FULL, EWC, "newest"), low=0)]


def both_learn_new_tasks_worse(tables: Tables) -> list[Finding]:
    return [
        within(f"control - {LABELS[method]}, newest task", results.margin(tables, CONTROL, method, "newest"), low=3)
        for method in (EWC, FULL)
    ]


def full_method_is_best(tables: Tables) -> list[Finding]:
    return _leads(tables, FULL, [cell for cell in CELLS if cell != FULL])


def sticky_is_in_both_best(tables: Tables) -> list[Finding]:
    return _leads(tables, STICKY_SMART, [cell for cell in CELLS if cell not in (FULL, STICKY_SMART)])


def parts_add_up(tables: Tables) -> list[Finding]:
    return [
        within("full method - sticky + smart init", results.margin(tables, FULL, STICKY_SMART), 1.5, 6),
        within("full method - smart init", results.margin(tables, FULL, SMART), 3, 12),
        *_leads(tables, STICKY_SMART, [SMART]),
    ]


def lead_begins_at_four_tasks(tables: Tables) -> list[Finding]:
    return [
        within(f"tasks from which {LABELS[cell]} leads", results.first_lasting_lead(tables, cell), 2.5, 5.5)
        for cell in (STICKY_SMART, FULL)
    ]


def benefit_lasts_until_60_percent(tables: Tables) -> list[Finding]:
    """Between 50 and 70% it may go either way: that is how exactly the paper's 60% is meant."""
    margins = results.shared_margins(tables)
    below = {level: runs for level, runs in margins.items() if level < 0.5}
    above = {level: runs for level, runs in margins.items() if level > 0.7}
    what = "sticky gradient - control"
    findings = [within(f"{what}, {level:.0%} shared", runs, low=0) for level, runs in below.items()]
    findings += [within(f"{what}, {level:.0%} shared", runs, high=0) for level, runs in above.items()]
    if not below:
        findings.append(within(f"{what}, below 50% shared", {}, low=0))
    if not above:
        findings.append(within(f"{what}, above 70% shared", {}, high=0))
    return findings


def weights_have_three_modes(tables: Tables) -> list[Finding]:
    findings = []
    for mode in distributions.MODES:
        near = results.of_weights(tables, FULL, partial(distributions.share, value=mode))
        share = f", which has {100 * numpy.mean(list(near.values())):.2g}% of the weights near it" if near else ""
        distance = {seed: abs(place - mode) for seed, place in results.nearest_mode(tables, mode).items()}
        findings.append(within(f"distance of a mode from {mode:g}{share}", distance, high=0.03))
    return findings


def others_are_unimodal(tables: Tables) -> list[Finding]:
    findings = []
    for condition in (CONTROL, EWC):
        highest = results.of_weights(tables, condition, lambda histogram: abs(distributions.highest_mode(histogram)))
        findings.append(_one_mode(tables, condition))
        findings.append(within(f"distance of its highest mode from 0, {LABELS[condition]}", highest, high=0.01))
    return findings


def others_differ_in_width(tables: Tables) -> list[Finding]:
    widths = [results.of_weights(tables, condition, distributions.deviation) for condition in (EWC, CONTROL)]
    ratios = {seed: abs(100 * width / widths[1][seed] - 100) for seed, width in widths[0].items() if seed in widths[1]}
    return [
        *(_one_mode(tables, condition) for condition in (CONTROL, EWC)),
        within("difference of the weights' SD, EWC from control, in percent", ratios, low=10),
    ]


def plasticity_dips_to_zero(tables: Tables) -> list[Finding]:
    """In closed form, with the values of Table 1: no runs and no interval, it holds or it does not."""
    attractor = tables.settings.attractor
    away = torch.cat([side * torch.linspace(FAR, 20, 2000, dtype=torch.float64) for side in (-1, 1)])
    at_zero = float(plasticity(torch.tensor([attractor.a1], dtype=torch.float64), attractor))
    share = float(plasticity(attractor.a1 + away, attractor).min()) / attractor.lambda_
    holds = at_zero == 0 and share > 0.97
    detail = f"f(a1) = {at_zero:g} and f > {share:.4f} lambda farther than {FAR} from a1 (claimed 0 and above 0.97)"
    return [Finding("holds" if holds else "fails", detail)]


def thirty_trials_suffice(tables: Tables) -> list[Finding]:
    """Judged on the tasks, images and seeds of Figure 2, none of which the search saw."""
    best, published, control = (results.weighted_accuracy(tables, name) for name in (FULL + SEARCHED, FULL, CONTROL))
    if not results.searched_value(tables, "objective"):  # no search of thirty trials that they could come from
        best = {}
    return [
        within("best of 30 trials - Table 1, weighted mean accuracy", difference(best, published), low=-2),
        within("best of 30 trials - control", difference(best, control), low=5),
        within("Table 1 - control", difference(published, control), low=5),
    ]


def lambda_is_large(tables: Tables) -> list[Finding]:
    """Vacuous: the range that was searched is 4 to 10."""
    runs = results.searched_value(tables, "lambda_")
    return [within("lambda of the best trial (searched from 4 to 10)", runs, low=1)]


def frozen_weights_accumulate(tables: Tables) -> list[Finding]:
    def frozen(histogram: pandas.Series) -> float:
        return 100 * distributions.share(histogram, distributions.MODES[-1], TRAPPED)

    late, early = (results.of_weights(tables, FULL, frozen, after) for after in (TASKS, 1))
    what = f"share of weights within {TRAPPED} of a1, after 10 tasks - after 1"
    return [within(what, difference(late, early), low=0)]


def _leads(tables: Tables, cell: str, others: list[str]) -> list[Finding]:
    return [within(f"{LABELS[cell]} - {LABELS[other]}", results.margin(tables, cell, other), low=0) for other in others]


def _one_mode(tables: Tables, condition: str) -> Finding:
    """Return whether the density has exactly one mode higher than 5% of its peak."""

    def count(histogram: pandas.Series) -> int:
        heights = distributions.modes(histogram)
        return int((heights > 0.05 * distributions.density(histogram).max()).sum())

    what = f"number of modes above 5% of the peak, {LABELS[condition]}"
    return within(what, results.of_weights(tables, condition, count), 0.5, 1.5)


_CLAIMS = [
    ("fig2a", "Sticky gradient and EWC both clearly beat the control at ten tasks", both_beat_the_control),
    ("fig2a", "EWC beats the sticky gradient by a small margin at ten tasks", ewc_is_slightly_better),
    ("fig2a", "EWC's lead shrinks as tasks accumulate", ewc_lead_shrinks),
    ("fig2b", "On previous tasks alone the sticky gradient lags EWC slightly more", ewc_leads_more_on_previous_tasks),
    ("fig2c", "The sticky gradient learns the newest of ten tasks better than EWC", sticky_learns_new_tasks_better),
    ("fig2c", "Both learn the newest task worse than the control", both_learn_new_tasks_worse),
    ("fig3", "The full method is the best of the ablation at ten tasks", full_method_is_best),
    ("fig3", "The sticky gradient is in both of the two best cells", sticky_is_in_both_best),
    ("fig3", "The full method beats sticky + smart init, and that smart init alone", parts_add_up),
    ("fig3", "Sticky + smart variants lead the control from about four tasks", lead_begins_at_four_tasks),
    ("fig4", "The benefit over the control persists until 60% shared pixels", benefit_lasts_until_60_percent),
    ("fig5", "Weights of the sticky gradient have modes near -0.06, 0 and 0.279", weights_have_three_modes),
    ("fig5", "Weights of the control and of EWC are unimodal around 0", others_are_unimodal),
    ("fig5", "Weights of EWC and of the control differ only in width", others_differ_in_width),
    ("fig1b", "The plasticity function is near 4 far from the attractor and 0 at it", plasticity_dips_to_zero),
    ("table1", "Thirty trials suffice to find an effective setting", thirty_trials_suffice),
    ("table1", "The search finds a large lambda, above 1", lambda_is_large),
    ("sec3.4", "Frozen weights accumulate as training proceeds", frozen_weights_accumulate),
]
CLAIMS = [Claim(f"sticky_gradient-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
# Those on accuracies can be checked under the hyperparameters of our own search as well.
ON_ACCURACIES = [claim for claim in CLAIMS if claim.artifact in ("fig2a", "fig2b", "fig2c", "fig3", "fig4")]
