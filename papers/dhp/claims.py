"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables.

Predicates take the tables and return their findings. Accuracies are in percent, backward transfers (BWT) in
percentage points; conditions are compared seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable

from common.results.claims import Claim, Finding, difference, side_by_side, within
from common.results.readers import Tables
from papers.dhp import results
from papers.dhp.conditions import BENCHMARK_LABELS, LABELS, TASKS
from papers.dhp.protocol import BASELINES, CONSOLIDATED, DHP, FINETUNE, METHODS, SINGLE, SWEPT, WITH_DHP
from papers.dhp.results import INITIAL_ETA, LARGE_ETA, SMALL_ETAS

TIED = ("imbalanced", "si")  # the one pair whose BWT, with and without DHP, is the same in Table I
TIE = 0.5  # points: the table gives BWT to two digits, in which smaller differences are a tie


def dhp_forgets_less(tables: Tables) -> list[Finding]:
    return _gains(tables, "permuted", [FINETUNE])


def dhp_improves_consolidation(tables: Tables) -> list[Finding]:
    return _gains(tables, "permuted", CONSOLIDATED)


def dhp_improves_all_on_split(tables: Tables) -> list[Finding]:
    return _gains(tables, "split", BASELINES)


def dhp_nearly_solves_split(tables: Tables) -> list[Finding]:
    return [
        within("DHP Softmax after 5 tasks", results.accuracy(tables, "split", DHP), low=96),
        within("its BWT", results.transfer(tables, "split", DHP), low=-4),
    ]


def mas_is_best_on_permuted(tables: Tables) -> list[Finding]:
    others = [name for name in BASELINES if name != "mas"]
    return [
        *_leads(tables, "permuted", "mas", others),
        *_is_best(tables, "permuted", WITH_DHP["mas"]),
        *_is_best(tables, "imbalanced", WITH_DHP["mas"]),
    ]


def si_is_best_elsewhere(tables: Tables) -> list[Finding]:
    return _is_best(tables, "split", WITH_DHP["si"]) + _is_best(tables, "vision", WITH_DHP["si"])


def imbalance_shows_dhp(tables: Tables) -> list[Finding]:
    imbalanced, permuted = (results.gain(tables, name, DHP, FINETUNE) for name in ("imbalanced", "permuted"))
    what = "gain of DHP Softmax over Finetune, imbalanced - permuted"
    return [within(what, difference(imbalanced, permuted), low=0)]


def dhp_raises_transfer(tables: Tables) -> list[Finding]:
    return [
        within(
            f"BWT of {_pair(dhp, name)}, {label}",
            results.transfer_gain(tables, benchmark, dhp, name),
            low=-TIE if (benchmark, name) == TIED else 0,
        )
        for benchmark, label in BENCHMARK_LABELS.items()
        for name, dhp in WITH_DHP.items()
    ]


def dhp_harms_si_under_imbalance(tables: Tables) -> list[Finding]:
    runs = results.gain(tables, "imbalanced", WITH_DHP["si"], "si")
    return [within(f"{_pair(WITH_DHP['si'], 'si')}, {BENCHMARK_LABELS['imbalanced']}", runs, high=0)]


def only_finetune_collapses(tables: Tables) -> list[Finding]:
    return [
        within("Finetune", results.accuracy(tables, "vision", FINETUNE), high=70),
        *(within(LABELS[name], results.accuracy(tables, "vision", name), low=74) for name in CONSOLIDATED),
    ]


def eta_rises_quickly(tables: Tables) -> list[Finding]:
    largest = {seed: eta / INITIAL_ETA for seed, eta in results.largest_eta_in_task1(tables).items()}
    steps = results.steps_until_eta_rose(tables, times=5)
    return [
        within("largest eta in task 1, as a multiple of the initial one", largest, low=5),
        within("steps until it is 5 times that, in % of task 1's", steps, high=10),
    ]


def eta_decays_after_task3(tables: Tables) -> list[Finding]:
    means = results.eta_by_task(tables)
    falls = {seed: 1000 * float(runs.loc[1:3].mean() - runs.loc[4:].mean()) for seed, runs in means.items()}
    return [within("1000 x (mean eta in tasks 1 to 3 - in tasks 4 to 10)", falls, low=0)]


def eta_rises_then_decays(tables: Tables) -> list[Finding]:
    counts = results.tasks_with_rise_and_decay(tables, range(4, TASKS["permuted"] + 1))
    return [within("of the tasks 4 to 10, those in which eta is largest in between", counts, low=5.5)]


def trace_grows_without_running_away(tables: Tables) -> list[Finding]:
    growths, largest = results.growths(tables, "hebb_norm"), results.largest_after_task1(tables, "hebb_norm")
    return [
        within("of 9 steps to the next task, those in which the norm of Hebb grew", growths, low=6.5),
        within("largest norm of Hebb in tasks 2 to 10, as a multiple of that after task 1", largest, high=3),
    ]


def plasticity_grows_in_each_task(tables: Tables) -> list[Finding]:
    runs = results.least_growth_within_tasks(tables, "alpha_norm")
    return [within("least growth of the norm of alpha within a task, in %", runs, low=0)]


def low_initial_eta_is_better(tables: Tables) -> list[Finding]:
    findings = []
    for benchmark in SWEPT:
        runs = results.swept(tables, benchmark)
        for eta in SMALL_ETAS:
            gap = difference(runs.get(eta, {}), runs.get(LARGE_ETA, {}))
            findings.append(within(f"eta {eta:g} - eta {LARGE_ETA:g}, {BENCHMARK_LABELS[benchmark]}", gap, low=0))
    return findings


def small_initial_etas_are_alike(tables: Tables) -> list[Finding]:
    findings = []
    for benchmark in SWEPT:
        levels = results.swept(tables, benchmark)
        runs = side_by_side(levels.get(eta, {}) for eta in SMALL_ETAS)
        ranges = {seed: max(accuracies) - min(accuracies) for seed, accuracies in runs.items()}
        findings.append(within(f"range over eta of 0.001 to 0.0001, {BENCHMARK_LABELS[benchmark]}", ranges, high=2))
    return findings


def capacity_does_not_matter(tables: Tables) -> list[Finding]:
    """DHP's gain over a baseline with one set of output weights, minus that over one with two."""
    return [
        within(
            f"gain over {LABELS[name]} with one set - with two, {BENCHMARK_LABELS[benchmark]}",
            results.gain(tables, benchmark, name, name + SINGLE),
            -0.5,
            0.5,
        )
        for benchmark in results.with_single_weights(tables) or ["permuted"]
        for name in BASELINES
    ]


def _pair(a: str, b: str) -> str:
    return f"{LABELS[a]} - {LABELS[b]}"


def _leads(tables: Tables, benchmark: str, best: str, others: list[str]) -> list[Finding]:
    gains = {name: results.gain(tables, benchmark, best, name) for name in others}
    return [within(f"{_pair(best, name)}, {BENCHMARK_LABELS[benchmark]}", gain, low=0) for name, gain in gains.items()]


def _gains(tables: Tables, benchmark: str, baselines: Iterable[str]) -> list[Finding]:
    return [finding for name in baselines for finding in _leads(tables, benchmark, WITH_DHP[name], [name])]


def _is_best(tables: Tables, benchmark: str, best: str) -> list[Finding]:
    return _leads(tables, benchmark, best, [name for name in METHODS if name != best])


_CLAIMS = [
    ("fig2a", "DHP Softmax alone forgets less than Finetune on Permuted MNIST", dhp_forgets_less),
    ("fig2a", "DHP improves every consolidation method on Permuted MNIST", dhp_improves_consolidation),
    ("fig2b", "DHP improves every method on Split MNIST", dhp_improves_all_on_split),
    ("fig2b", "DHP alone nearly solves forgetting on Split MNIST", dhp_nearly_solves_split),
    ("table1", "DHP + MAS is best on both Permuted MNISTs, MAS the best baseline", mas_is_best_on_permuted),
    ("table1", "DHP + SI is best on Split MNIST and on the 5-Vision mixture", si_is_best_elsewhere),
    ("table1", "DHP alone helps more on the imbalanced than on the balanced Permuted MNIST", imbalance_shows_dhp),
    ("table1", "DHP makes BWT less negative on every benchmark", dhp_raises_transfer),
    ("table1", "The exception: DHP + SI is below SI on Imbalanced Permuted MNIST", dhp_harms_si_under_imbalance),
    ("table1", "Finetune collapses on the 5-Vision mixture, consolidation does not", only_finetune_collapses),
    ("fig3", "Eta rises quickly in task 1", eta_rises_quickly),
    ("fig3", "Eta decays after the third task", eta_decays_after_task3),
    ("fig3", "Within each of tasks 4 to 10 eta first rises, then decays", eta_rises_then_decays),
    ("fig3", "The norm of the Hebbian trace grows with each task, but not away", trace_grows_without_running_away),
    ("fig3", "The norm of the plasticity coefficients grows within each task", plasticity_grows_in_each_task),
    ("fig4", "A low initial eta is better", low_initial_eta_is_better),
    ("fig4", "Little tuning is needed: small initial etas do equally well", small_initial_etas_are_alike),
    ("sec5", "The gain is not due to capacity", capacity_does_not_matter),
]
CLAIMS = [Claim(f"dhp-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
# Those that depend on a lambda can be checked under those of our own grid search as well.
ON_LAMBDA = [CLAIMS[number - 1] for number in (2, 3, 5, 6, 8, 9, 10)]
# And these on how pixels and importances are read, which is run on both permuted benchmarks.
ON_READING = [CLAIMS[number - 1] for number in (1, 2, 5, 7, 8, 9, 11, 12, 13, 14, 15)]
