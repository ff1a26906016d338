"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from common.running.register import Artifact, Job, Register, Stage
from common.running.workflow import dataset, seed_tables
from papers.dhp.protocol import (
    BENCHMARKS,
    CLASSES,
    CONSOLIDATED,
    DHP,
    FIRST_TUNING_SEED,
    LOGGED,
    PIXELS,
    SIDE,
    SWEPT,
    Protocol,
    Vision,
    condition,
)

TUNING_SEEDS = f"{FIRST_TUNING_SEED}-{FIRST_TUNING_SEED}"  # one seed, apart from all that are reported


def data(protocol: Protocol, scale: str, benchmark: str) -> list[str]:
    """The prepared data sets of a benchmark, in the order of its tasks."""
    return [dataset(name, scale) for name in (protocol.vision.sets if benchmark == "vision" else ["mnist"])]


def parameters(protocol: Protocol, benchmark: str) -> int:
    """How many parameters the benchmark's network has."""
    settings = getattr(protocol, benchmark)
    if not isinstance(settings, Vision):
        sizes = (PIXELS, *settings.hidden)
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)) + 2 * sizes[-1] * CLASSES
    side, count = SIDE, 0
    for n_in, n_out in pairwise((3, *settings.channels)):
        count += (n_in * settings.kernel**2 + 1) * n_out
        side = (side + 2 * settings.padding - settings.kernel + 1) // 2
    dense = (side * side * settings.channels[-1] + 1) * settings.dense
    return count + dense + 2 * settings.dense * CLASSES * len(settings.sets)


def accuracies(benchmark: str, protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all conditions and seeds of a benchmark."""
    design = protocol.design
    names = (*design.conditions, *(design.controls if benchmark in SWEPT else ()))
    folders = [f"results/{scale}/dhp/{benchmark}/{name}" for name in names]
    return seed_tables(folders, design.seeds, parameters(protocol, benchmark), device)


def plasticity(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of eta and the norms of trace and alpha."""
    benchmark, names = LOGGED
    run = [name for name in names if name == DHP or name in protocol.design.controls]
    folders, size = [f"results/{scale}/dhp/{benchmark}/{name}" for name in run], parameters(protocol, benchmark)
    return seed_tables(folders, protocol.design.seeds, size, device, "plasticity_")


def etas(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all initial values of eta."""
    tables = []
    for benchmark in SWEPT:
        folders = [f"results/{scale}/dhp/eta/{benchmark}_{eta:g}" for eta in protocol.design.etas]
        tables += seed_tables(folders, protocol.design.eta_seeds, parameters(protocol, benchmark), device)
    return tables


def tuning(protocol: Protocol, scale: str, benchmark: str, name: str) -> list[str]:
    """The search that a condition takes its lambda from: the tables of all values tried; none for a published lambda."""
    what = condition(name)
    return _tried(protocol, scale, benchmark, what.consolidation) if what.tuned and what.consolidation else []


def searches(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of all searches for a lambda."""
    return [table for benchmark in SWEPT for name in CONSOLIDATED for table in _tried(protocol, scale, benchmark, name)]


def _tried(protocol: Protocol, scale: str, benchmark: str, name: str) -> list[str]:
    """The tables of all lambdas tried for a consolidation (si, ewc or mas) on a benchmark, also the published one."""
    values = sorted({*getattr(protocol.tuning, name), getattr(getattr(protocol, benchmark), name)})
    return [f"results/{scale}/dhp/tune/{benchmark}_{name}_{value:g}.csv" for value in values]


def read_by_training(job: Job) -> list[str]:
    """What training reads of the protocol: how often to log only where it does, other optimizers only where it takes one.

    job: without a condition it is a run from another initial eta, which is of DHP alone; with "plasticity" it logs.
    """
    name = job.get("condition", DHP)
    logs = job.get("plasticity") or (job["benchmark"] == LOGGED[0] and name in LOGGED[1] and "eta" not in job)
    return [
        job["benchmark"],
        *(["design.log_every"] if logs else []),
        *(["optimizers"] if condition(name).optimizer else []),
    ]


def read_by_tuning(job: Job) -> list[str]:
    """What tuning reads of the protocol: its own number of tasks only where that is not the benchmark's."""
    read = [job["benchmark"], "tuning.epochs", "tuning.held_out"]
    return read if job["benchmark"] == "split" else [*read, "tuning.tasks"]


MNIST: dict[str, tuple[str, ...]] = {"data": ("mnist",)}


def data_of_benchmark(job: Job) -> dict[str, tuple[str, ...]]:
    """The data set of a benchmark; which ones a mixture has is a setting."""
    return {} if job["benchmark"] == "vision" else MNIST


REGISTER = Register(
    paper="dhp",
    schema=Protocol,
    stages={
        "train": Stage(reads=read_by_training, data=data_of_benchmark),
        "tune": Stage(reads=read_by_tuning, data=data_of_benchmark),
        "update": Stage(reads=("permuted",), data=MNIST),
        "imbalance": Stage(reads=("imbalanced",), data=MNIST),
    },
    tables={
        **{benchmark: partial(accuracies, benchmark) for benchmark in BENCHMARKS},
        "plasticity": plasticity,
        "eta": etas,
        "tune": searches,
    },
    artifacts={
        "fig1": Artifact(("update",)),
        "fig2": Artifact(("permuted", "split")),
        "fig3": Artifact(("plasticity",)),
        "fig4": Artifact(("eta",)),
        "table1": Artifact(BENCHMARKS),
        "table_variants": Artifact(SWEPT),  # of our own
    },
    comparison=Artifact((*BENCHMARKS, "plasticity", "eta", "imbalance", "tune")),
)
