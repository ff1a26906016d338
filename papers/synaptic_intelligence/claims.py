"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Predicates take the tables by name and return their findings. Accuracies, and everything else that is a share, are in
percent; conditions are compared seed by seed. Accuracy is that on test images unless a claim speaks of training.
"""

from __future__ import annotations

import itertools

import pandas
from scipy.stats import spearmanr

from common.results.claims import Claim, Finding, difference, side_by_side, within
from common.results.readers import Tables
from papers.synaptic_intelligence import conditions, results
from papers.synaptic_intelligence.results import CIFAR_TASKS, PERMUTED_TASKS, SPLIT_TASKS, Runs

# The paper's Figure 6 says c = 0.1, the authors' plotting notebook takes 0.01; the latter is the likelier (README).
CIFAR_SI = "si-0.01"


def average_stays_close_to_one(tables: Tables) -> list[Finding]:
    return [within("average after 5 tasks, c = 1", results.average(tables, "split_mnist", "si-1", SPLIT_TASKS), low=97)]


def task1_suffers_from_task2(tables: Tables) -> list[Finding]:
    without, consolidated = (results.entry(tables, "split_mnist", condition, 2, 1) for condition in ("si-0", "si-1"))
    return [
        within("task 1 after task 2, c = 0", without, high=95),
        within("c = 1 - c = 0", difference(consolidated, without), low=5),
    ]


def first_tasks_fall_to_chance(tables: Tables) -> list[Finding]:
    after_all = {task: results.entry(tables, "split_mnist", "si-0", SPLIT_TASKS, task) for task in (1, 2)}
    return [within(f"task {task} after 5 tasks, c = 0", runs, 40, 60) for task, runs in after_all.items()]


def new_tasks_are_learned(tables: Tables) -> list[Finding]:
    return [
        within(f"task {task} right after it, c = 1", results.entry(tables, "split_mnist", "si-1", task, task), low=97)
        for task in range(1, SPLIT_TASKS + 1)
    ]


def consolidation_keeps_ten_tasks(tables: Tables) -> list[Finding]:
    return [within("average after 10 tasks, c = 0.1", results.permuted(tables, "si-0.1"), low=95)]


def fine_tuning_forgets(tables: Tables) -> list[Finding]:
    return [within("average after 10 tasks, c = 0", results.permuted(tables, "si-0"), high=75)]


def decline_is_gradual(tables: Tables) -> list[Finding]:
    runs = [results.average(tables, "permuted_mnist", "si-0.1", tasks) for tasks in range(1, PERMUTED_TASKS + 1)]
    steps = [difference(earlier, later) for earlier, later in itertools.pairwise(runs)]
    largest = {seed: max(step[seed] for step in steps) for seed in steps[-1]}
    return [
        within("average after 1 - after 10 tasks, c = 0.1", difference(runs[0], runs[-1]), high=3),
        within("its largest drop from one task to the next", largest, high=1),
    ]


def task1_is_retained(tables: Tables) -> list[Finding]:
    runs = results.entry(tables, "permuted_mnist", "si-0.1", PERMUTED_TASKS, 1)
    return [within("task 1 after 10 tasks, c = 0.1", runs, low=94)]


def joint_training_is_slightly_better(tables: Tables) -> list[Finding]:
    return [within("joint - SI after 10 tasks", _permuted_gap(tables, "joint", "si-0.1"), high=4)]


def comparable_to_ewc(tables: Tables) -> list[Finding]:
    return [within("SI - EWC after 10 tasks", _permuted_gap(tables, "si-0.1", "ewc"), -3, 3)]


def baselines_are_far_worse(tables: Tables) -> list[Finding]:
    gaps = {baseline: _permuted_gap(tables, "si-0.1", baseline) for baseline in ("sgd", "dropout")}
    return [within(f"SI - {conditions.LABELS[baseline]}", gap, low=10) for baseline, gap in gaps.items()]


def stronger_consolidation_helps(tables: Tables) -> list[Finding]:
    return [
        within(f"c = {stronger} - c = {weaker}", _permuted_gap(tables, f"si-{stronger}", f"si-{weaker}"), low=0)
        for weaker, stronger in itertools.pairwise(["0", "0.01", "0.02", "0.1"])
    ]


def first_layer_is_uncorrelated(tables: Tables) -> list[Finding]:
    means = {c: results.correlation(tables, f"si-{c}", layer=1) for c in ("0", "0.1")}
    return [within(f"mean r, layer 1, c = {c}", runs, high=0.1) for c, runs in means.items()]


def second_layer_becomes_correlated(tables: Tables) -> list[Finding]:
    without, consolidated = (results.correlation(tables, condition, layer=2) for condition in ("si-0", "si-0.1"))
    consecutive = results.neighbours(tables, "si-0", layer=2)
    growth = {seed: float(r[-3:].mean() - r[:3].mean()) for seed, r in consecutive.items()}
    return [
        within("mean r, layer 2, c = 0 - c = 0.1", difference(without, consolidated), low=0.1),
        within("r of consecutive tasks, c = 0, tasks 7 to 10 - tasks 1 to 4", growth, low=0),
    ]


def consolidation_keeps_second_layer_uncorrelated(tables: Tables) -> list[Finding]:
    return [within("mean r, layer 2, c = 0.1", results.correlation(tables, "si-0.1", layer=2), high=0.2)]


def consolidated_tasks_are_alike(tables: Tables) -> list[Finding]:
    later = [results.final_on_cifar(tables, CIFAR_SI, task) for task in range(2, CIFAR_TASKS + 1)]
    spread = {seed: max(tasks) - min(tasks) for seed, tasks in side_by_side(later).items()}
    return [within("best - worst of tasks 2 to 6, c = 0.01", spread, high=10)]


def old_tasks_decline_without(tables: Tables) -> list[Finding]:
    runs = side_by_side(results.final_on_cifar(tables, "si-0", task) for task in range(1, CIFAR_TASKS + 1))
    ranks = {seed: float(spearmanr(range(CIFAR_TASKS), tasks).statistic) for seed, tasks in runs.items()}
    return [within("rank correlation of task and its final accuracy, c = 0", ranks, low=0.8)]


def consolidation_beats_fine_tuning(tables: Tables) -> list[Finding]:
    gaps = {task: _cifar_gap(tables, CIFAR_SI, "si-0", task) for task in range(1, CIFAR_TASKS + 1)}
    *earlier, last = gaps
    return [
        *[within(f"task {task}, c = 0.01 - c = 0", gaps[task], low=0) for task in earlier],
        within(f"task {last}, c = 0.01 - c = 0", gaps[last], high=0),
    ]


def consolidation_matches_scratch(tables: Tables) -> list[Finding]:
    findings = []
    for task in range(1, CIFAR_TASKS + 1):
        gap = _cifar_gap(tables, CIFAR_SI, "scratch", task)
        if task == 1:
            findings.append(within("task 1, c = 0.01 - scratch", gap, high=0))
            continue
        scratch = results.final_on_cifar(tables, "scratch", task)
        sd = pandas.Series(scratch, dtype=float).std() if len(scratch) > 1 else 0.0
        shifted = {seed: value + sd for seed, value in gap.items()}
        findings.append(within(f"task {task}, c = 0.01 - scratch + its SD", shifted, low=0))
    return findings


def scratch_fits_training_images_better(tables: Tables) -> list[Finding]:
    gaps = {task: _cifar_gap(tables, "scratch", CIFAR_SI, task, "train") for task in range(1, CIFAR_TASKS + 1)}
    return [within(f"task {task}, training images, scratch - c = 0.01", gap, low=0) for task, gap in gaps.items()]


def importances_sum_to_the_loss_drop(tables: Tables) -> list[Finding]:
    quantities = ("quadratic, excess over the loss drop", "small network, excess over the loss drop")
    return [within(quantity, results.theory(tables, 21, quantity), -2, 2) for quantity in quantities]


def average_is_the_hessian(tables: Tables) -> list[Finding]:
    error = "relative Frobenius error"
    return [within(error, results.theory(tables, 22, error), high=5)]


def importance_is_the_hessian_diagonal(tables: Tables) -> list[Finding]:
    findings = []
    for hessian in ("diagonal", "rank one"):
        correlation, constant = f"{hessian}, correlation", f"{hessian}, constant"
        findings.append(within(correlation, results.theory(tables, 23, correlation), low=99.9))
        findings.append(within(constant, results.theory(tables, 23, constant), low=49.9, high=50.1))
    return findings


def noise_overestimates(tables: Tables) -> list[Finding]:
    quantity = "mini-batches, excess over the loss drop"
    return [within(quantity, results.theory(tables, 24, quantity), low=0)]


def _permuted_gap(tables: Tables, a: str, b: str) -> Runs:
    """Return the average of condition a after all ten permuted tasks minus that of b."""
    return difference(results.permuted(tables, a), results.permuted(tables, b))


def _cifar_gap(tables: Tables, a: str, b: str, task: int, split: str = "test") -> Runs:
    """Return the final accuracy of condition a on a CIFAR task minus that of b."""
    return difference(*(results.final_on_cifar(tables, condition, task, split) for condition in (a, b)))


_CLAIMS = [
    ("fig3", "With consolidation the average over split-MNIST tasks stays close to 1", average_stays_close_to_one),
    ("fig3", "Without consolidation Task 1 suffers substantially after Task 2", task1_suffers_from_task2),
    ("fig3", "Without consolidation the first two tasks fall to chance after all five", first_tasks_fall_to_chance),
    ("fig3", "Consolidation does not prevent learning new tasks", new_tasks_are_learned),
    ("fig4", "Consolidation keeps high average accuracy over 10 permuted tasks", consolidation_keeps_ten_tasks),
    ("fig4", "Fine-tuning forgets catastrophically", fine_tuning_forgets),
    ("fig4", "Decline with consolidation is gradual", decline_is_gradual),
    ("fig4", "Task 1 is retained while 9 further tasks are trained", task1_is_retained),
    ("fig4", "SI is only slightly worse than joint training", joint_training_is_slightly_better),
    ("fig4", "SI is comparable to EWC", comparable_to_ewc),
    ("fig4", "Plain SGD and fine-tuning with dropout are far worse than SI", baselines_are_far_worse),
    ("fig4", "Stronger consolidation helps, up to c = 0.1", stronger_consolidation_helps),
    ("fig5", "First-layer importances are uncorrelated between tasks for both c", first_layer_is_uncorrelated),
    ("fig5", "Second-layer importances become correlated without consolidation", second_layer_becomes_correlated),
    ("fig5", "Consolidation keeps them largely uncorrelated", consolidation_keeps_second_layer_uncorrelated),
    ("fig6", "With consolidation accuracy is similar across tasks", consolidated_tasks_are_alike),
    ("fig6", "Without consolidation accuracy declines with task age", old_tasks_decline_without),
    ("fig6", "Consolidation beats fine-tuning on every task but the last", consolidation_beats_fine_tuning),
    ("fig6", "Consolidation matches or beats training from scratch, except on Task 1", consolidation_matches_scratch),
    ("fig6", "On training images training from scratch is better", scratch_fits_training_images_better),
    ("sec4", "Path-integral importances sum to the loss drop", importances_sum_to_the_loss_drop),
    ("sec4", "Averaged over random starts, Q is half the variance times the Hessian", average_is_the_hessian),
    ("sec4", "For diagonal and rank-1 Hessians importance is half the diagonal", importance_is_the_hessian_diagonal),
    ("sec3", "Noise of mini-batches makes importances overestimate the loss drop", noise_overestimates),
]
CLAIMS = [Claim(f"synaptic_intelligence-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
