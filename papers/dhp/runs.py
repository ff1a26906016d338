"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from common.running.register import Artifact, Job, Register, Stage
from common.running.workflow import dataset, seed_batches, seeds_per_job
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


def batches(protocol: Protocol, benchmark: str, seeds: int, folder: str, device: str) -> list[str]:
    """The first so many seeds of the condition of a benchmark whose results lie in the folder, cut into jobs."""
    size = seeds_per_job(parameters(protocol, benchmark), seeds, device)
    return seed_batches(0, seeds, size, f"{folder}/seeds*.csv")


def accuracies(benchmark: str, protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all conditions and seeds of a benchmark."""
    design, results = protocol.design, f"results/{scale}/dhp/{benchmark}"
    return [
        f"{results}/{name}/seeds{seeds}.csv"
        for name in (*design.conditions, *(design.controls if benchmark in SWEPT else ()))
        for seeds in batches(protocol, benchmark, design.seeds, f"{results}/{name}", device)
    ]


def plasticity(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of eta and the norms of trace and alpha."""
    benchmark, name = LOGGED
    folder = f"results/{scale}/dhp/{benchmark}/{name}"
    seeds = batches(protocol, benchmark, protocol.design.seeds, folder, device)
    return [f"{folder}/plasticity_seeds{batch}.csv" for batch in seeds]


def etas(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all initial values of eta."""
    folders = [
        (benchmark, f"results/{scale}/dhp/eta/{benchmark}_{eta:g}")
        for benchmark in SWEPT
        for eta in protocol.design.etas
    ]
    return [
        f"{folder}/seeds{seeds}.csv"
        for benchmark, folder in folders
        for seeds in batches(protocol, benchmark, protocol.design.eta_seeds, folder, device)
    ]


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


def tuning_seeds() -> str:
    """One seed, apart from all that are reported."""
    return f"{FIRST_TUNING_SEED}-{FIRST_TUNING_SEED}"


def read_by_training(job: Job) -> list[str]:
    """What training reads of the protocol: how often to log only where it does, other optimizers only where it takes one.

    job: without a condition it is a run from another initial eta, which is of DHP alone; with "plasticity" it logs.
    """
    name = job.get("condition", DHP)
    logs = job.get("plasticity") or ((job["benchmark"], name) == LOGGED and "eta" not in job)
    return [
        job["benchmark"],
        *(["design.log_every"] if logs else []),
        *(["optimizers"] if condition(name).optimizer else []),
    ]


def read_by_tuning(job: Job) -> list[str]:
    """What tuning reads of the protocol: its own number of tasks only where that is not the benchmark's."""
    read = [job["benchmark"], "tuning.epochs", "tuning.held_out"]
    return read if job["benchmark"] == "split" else [*read, "tuning.tasks"]


REGISTER = Register(
    paper="dhp",
    schema=Protocol,
    stages={
        "train": Stage(reads=read_by_training),
        "tune": Stage(reads=read_by_tuning),
        "update": Stage(reads=("permuted",)),
        "imbalance": Stage(reads=("imbalanced",)),
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
