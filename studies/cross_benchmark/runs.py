"""What the study has: its stages, tables and figures; and the files of every run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from common.running import code
from common.running.register import Artifact, Job, Parts, Register, Stage
from common.running.workflow import seed_tables
from studies.cross_benchmark.protocol import (
    BENCHMARKS,
    CIFAR,
    CIFAR_SIDE,
    CLASSES,
    CLASSES_PER_TASK,
    COLOURS,
    KERNEL,
    PIXELS,
    Protocol,
    name_of,
    section,
)

RESULTS = "results/{scale}/cross_benchmark"


def layers(benchmark: str, protocol: Protocol) -> list[tuple[int, int, int]]:
    """Return the layers of the network: inputs and outputs of a unit, and at how many places it stands."""
    if benchmark != CIFAR:
        return [(n_in, n_out, 1) for n_in, n_out in pairwise((PIXELS, *protocol.training.hidden, CLASSES))]
    settings, found, side = protocol.cifar, [], CIFAR_SIDE
    for n_in, n_out in pairwise((COLOURS, *settings.channels)):
        found.append((KERNEL * KERNEL * n_in, n_out, side * side))
        side //= 2
    sizes = side * side * settings.channels[-1], settings.dense, settings.tasks * CLASSES_PER_TASK
    return found + [(n_in, n_out, 1) for n_in, n_out in pairwise(sizes)]


def parameters(benchmark: str, protocol: Protocol) -> int:
    """Return how many weights and biases the network has."""
    return sum((n_in + 1) * n_out for n_in, n_out, _ in layers(benchmark, protocol))


def sets(job: Job) -> dict[str, tuple[str, ...]]:
    """Return the data set of a job's benchmark."""
    return {"data": ("cifar100",) if job["benchmark"] == CIFAR else ("mnist",)}


def read_by_tuning(job: Job) -> tuple[str, ...]:
    """Return what a search reads of the protocol; how many images are held out stands in the section of CIFAR-100 itself."""
    own = section(job["benchmark"])
    return (
        own,
        "search.trials",
        "search.tuning_seeds",
        f"search.{job['optimizer']}",
        *(() if own == "cifar" else ("search.held_out",)),
    )


def own(protocol: Protocol) -> dict[str, str]:
    """Return the methods of the user's own: their files, by name."""
    return {name_of(method): method for method in protocol.design.methods if method.endswith(".py")}


def depends(register: Register, stage: str) -> Callable[[Any], str]:
    """Return the parameter of a stage's rule: of `Register.depends`, and of the user's file as it is when a run begins.

    Snakemake compares files with what they are once a job has ended, so one that changes meanwhile would go unnoticed.
    """
    ours = register.depends(stage)

    def of_job(wildcards: Any) -> str:
        file = own(register.protocol(wildcards.scale)).get(wildcards.method)
        return f"{ours(wildcards)} {code.digest_of_file(file)}" if file else ours(wildcards)

    return of_job


def folders(benchmark: str, protocol: Protocol, scale: str) -> list[str]:
    """Return where the runs of each optimizer and method lie."""
    root, design = f"{RESULTS.format(scale=scale)}/{benchmark}", protocol.design
    return [f"{root}/{optimizer}/{name_of(method)}" for optimizer in design.optimizers for method in design.methods]


def trained(benchmark: str, prefix: str = "") -> Parts:
    """Return what names the parts of a table of a benchmark's runs; prefix: of the files' names."""

    def parts(protocol: Protocol, scale: str, device: str) -> list[str]:
        runs, seeds = folders(benchmark, protocol, scale), protocol.design.seeds
        return seed_tables(runs, seeds, parameters(benchmark, protocol), device, prefix)

    return parts


def searched(benchmark: str) -> Parts:
    """Return what names the parts of the table of a benchmark's searches."""
    return lambda protocol, scale, device: [f"{folder}/search.csv" for folder in folders(benchmark, protocol, scale)]


TABLES = {
    name: parts
    for benchmark in BENCHMARKS
    for name, parts in (
        (benchmark, trained(benchmark)),
        (f"{benchmark}_cost", trained(benchmark, "cost_")),
        (f"{benchmark}_search", searched(benchmark)),
    )
}
REGISTER = Register(
    paper="cross_benchmark",
    home="studies",
    published_as="cross",
    schema=Protocol,
    stages={
        "tune": Stage(reads=read_by_tuning, data=sets),
        "train": Stage(reads=lambda job: (section(job["benchmark"]),), data=sets),
    },
    tables=TABLES,
    artifacts={
        **{f"fig_{benchmark}": Artifact((benchmark,)) for benchmark in BENCHMARKS},
        **{
            f"table_{benchmark}": Artifact((benchmark, f"{benchmark}_cost", f"{benchmark}_search"))
            for benchmark in BENCHMARKS
        },
    },
    comparison=Artifact(()),
)
