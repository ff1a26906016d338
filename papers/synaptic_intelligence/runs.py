"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import pairwise

from common.running.register import Artifact, Job, Register, Stage
from common.running.workflow import dataset, seed_tables
from papers.synaptic_intelligence.protocol import CIFAR_SIDE, DIGITS, FIRST_TUNING_SEED, PIXELS, Protocol

BENCHMARKS = {"split_mnist": ["mnist"], "permuted_mnist": ["mnist"], "cifar": ["cifar10", "cifar100"]}
CORRELATED = ("si-0", "si-0.1")  # conditions of permuted MNIST whose importances Figure 5 compares
TUNING_SEEDS, THEORY_SEEDS = f"{FIRST_TUNING_SEED}-{FIRST_TUNING_SEED}", "0-9"  # tuning: none that is reported


def data(benchmark: str, scale: str) -> list[str]:
    """The prepared data sets of a benchmark."""
    return [dataset(name, scale) for name in BENCHMARKS[benchmark]]


def parameters(protocol: Protocol, benchmark: str) -> int:
    """How many parameters the benchmark's network has."""
    settings = getattr(protocol, benchmark)
    if benchmark != "cifar":
        sizes = (PIXELS, *settings.hidden, DIGITS)
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    first, second = settings.channels
    convolutions = ((3, first), (first, first), (first, second), (second, second))
    side = ((CIFAR_SIDE - 2) // 2 - 2) // 2
    dense = ((side * side * second, settings.dense), (settings.dense, settings.outputs))
    layers = *((9 * n_in, n_out) for n_in, n_out in convolutions), *dense
    return sum((n_in + 1) * n_out for n_in, n_out in layers)


def accuracies(benchmark: str, protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all conditions and seeds of a benchmark."""
    return _tables(benchmark, protocol, scale, device, protocol.design.conditions(benchmark))


def correlations(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of correlated importances."""
    trained = protocol.design.conditions("permuted_mnist")
    measured = [condition for condition in CORRELATED if condition in trained]
    return _tables("permuted_mnist", protocol, scale, device, measured, "correlations_")


def _tables(
    benchmark: str, protocol: Protocol, scale: str, device: str, conditions: Iterable[str], prefix: str = ""
) -> list[str]:
    folders = [f"results/{scale}/synaptic_intelligence/{benchmark}/{condition}" for condition in conditions]
    return seed_tables(folders, protocol.design.seeds(benchmark), parameters(protocol, benchmark), device, prefix)


def tuning(protocol: Protocol, scale: str, condition: str) -> list[str]:
    """The tables of all values tried for a condition; none for a condition that leaves nothing open."""
    values = {"ewc": protocol.tuning.ewc_strengths, "sgd": protocol.tuning.sgd_learning_rates}.get(condition, ())
    return [f"results/{scale}/synaptic_intelligence/tune/{condition}_{value:g}.csv" for value in values]


def read_by_tuning(job: Job) -> tuple[str, ...]:
    """What tuning reads of the protocol: SGD is judged on another number of tasks."""
    tasks = "sgd_tasks" if job["condition"] == "sgd" else "tasks"
    return "permuted_mnist", "tuning.epochs", "tuning.held_out", f"tuning.{tasks}"


def data_of_training(job: Job) -> dict[str, tuple[str, ...]]:
    """The data sets of a benchmark."""
    return {"data": ("cifar10", "cifar100") if job["benchmark"] == "cifar" else ("mnist",)}


REGISTER = Register(
    paper="synaptic_intelligence",
    schema=Protocol,
    stages={
        "train": Stage(reads=lambda job: (job["benchmark"],), data=data_of_training),
        "tune": Stage(reads=read_by_tuning, data={"data": ("mnist",)}),
        "landscapes": Stage(),
        "simulations": Stage(),
    },
    tables={**{benchmark: partial(accuracies, benchmark) for benchmark in BENCHMARKS}, "correlations": correlations},
    artifacts={
        "fig1": Artifact(("landscapes",)),
        "fig2": Artifact(("landscapes",)),
        "fig3": Artifact(("split_mnist",)),
        "fig4": Artifact(("permuted_mnist",)),
        "fig5": Artifact(("correlations",)),
        "fig6": Artifact(("cifar",)),
    },
    comparison=Artifact((*BENCHMARKS, "correlations", "theory")),
)
