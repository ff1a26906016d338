"""What the study has: its stages, tables and figures; and the files of every run."""

from __future__ import annotations

from itertools import pairwise

from common.running.register import Artifact, Parts, Register, Stage
from common.running.workflow import seed_tables
from studies.cross_benchmark.protocol import BENCHMARKS, CLASSES, PIXELS, Protocol, name_of

RESULTS = "results/{scale}/cross_benchmark"


def parameters(protocol: Protocol) -> int:
    """Return how many weights and biases the network has."""
    sizes = (PIXELS, *protocol.training.hidden, CLASSES)
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def own(protocol: Protocol) -> dict[str, str]:
    """Return the methods of the user's own: their files, by name."""
    return {name_of(method): method for method in protocol.design.methods if method.endswith(".py")}


def folders(benchmark: str, protocol: Protocol, scale: str) -> list[str]:
    """Return where the runs of each optimizer and method lie."""
    root, design = f"{RESULTS.format(scale=scale)}/{benchmark}", protocol.design
    return [f"{root}/{optimizer}/{name_of(method)}" for optimizer in design.optimizers for method in design.methods]


def trained(benchmark: str, prefix: str = "") -> Parts:
    """Return what names the parts of a table of a benchmark's runs; prefix: of the files' names."""

    def parts(protocol: Protocol, scale: str, device: str) -> list[str]:
        runs, seeds = folders(benchmark, protocol, scale), protocol.design.seeds
        return seed_tables(runs, seeds, parameters(protocol), device, prefix)

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
MNIST = {"data": ("mnist",)}
REGISTER = Register(
    paper="cross_benchmark",
    home="studies",
    published_as="cross",
    schema=Protocol,
    stages={
        "tune": Stage(
            reads=lambda job: ("training", "search.trials", "search.held_out", f"search.{job['optimizer']}"), data=MNIST
        ),
        "train": Stage(reads=("training",), data=MNIST),
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
