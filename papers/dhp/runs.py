"""Which files the results need: the code behind each stage, and the tables of every run."""

from __future__ import annotations

from itertools import pairwise

from common.workflow import CONTINUAL_CODE, dataset, seed_batches, seeds_per_job
from papers.dhp.protocol import (
    CLASSES,
    CONSOLIDATED,
    FIRST_TUNING_SEED,
    OTHER_OPTIMIZERS,
    PIXELS,
    SIDE,
    Protocol,
    Vision,
)

HERE = "papers/dhp"
RESULTS = "results/{scale}/dhp"
BENCHMARKS = ("permuted", "imbalanced", "split", "vision")
SWEPT = ("permuted", "imbalanced", "split")  # in Figure 4; these, and not the costly mixture, also have controls
LOGGED = ("permuted", "dhp")  # the benchmark and condition of Figure 3

# The collected tables that each figure and table is made from.
NEEDS = {
    "fig1": ("update",),
    "fig2": ("permuted", "split"),
    "fig3": ("plasticity",),
    "fig4": ("eta",),
    "table1": BENCHMARKS,
    "variants": SWEPT,  # a table of our own
}
TABLES = (*BENCHMARKS, "plasticity", "eta", "imbalance", "tune")  # that the comparison with the paper reads

# The code that decides a stage's numbers: editing one of these files, and no other, makes the stage run again.
STREAMS = [f"{HERE}/data.py", *(f"common/{name}.py" for name in ("images", "randomness", "stream_data", "streams"))]
TRAIN = [
    f"{HERE}/train.py",
    f"{HERE}/data.py",
    f"{HERE}/method.py",
    f"{HERE}/model.py",
    f"{HERE}/plasticity.py",
    *CONTINUAL_CODE,
]
SHOWN = [
    *(f"{HERE}/{name}.py" for name in ("conditions", "collected", "evidence")),
    *(f"common/{name}.py" for name in ("accuracies", "claims", "collected", "metrics", "reported", "stats")),
]
DRAWN = ["figures", "fig1", "fig2", "fig3", "fig4", "tables", "variants", "drawing"]
COMPARED = [f"{HERE}/compare.py", f"{HERE}/claims.py", "common/comparison.py", *SHOWN]
CODE = {
    "figures": [*(f"{HERE}/{name}.py" for name in DRAWN), "common/plotting.py", "common/tables.py", *COMPARED],
    "compare": COMPARED,
    "train": TRAIN,
    "tune": [f"{HERE}/tune.py", "common/metrics.py", *TRAIN],
    "update": [f"{HERE}/update.py", *TRAIN],
    "imbalance": [f"{HERE}/imbalance.py", *STREAMS],
}


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
    return (
        count
        + (side * side * settings.channels[-1] + 1) * settings.dense
        + 2 * settings.dense * CLASSES * len(settings.sets)
    )


def batches(protocol: Protocol, benchmark: str, seeds: int, folder: str, device: str) -> list[str]:
    """The first so many seeds of the condition of a benchmark whose results lie in the folder, cut into jobs."""
    size = seeds_per_job(parameters(protocol, benchmark), seeds, device)
    return seed_batches(0, seeds, size, f"{folder}/seeds*.csv")


def accuracies(protocol: Protocol, scale: str, benchmark: str, device: str) -> list[str]:
    """The accuracy tables of all conditions and seeds of a benchmark."""
    design, results = protocol.design, f"{RESULTS.format(scale=scale)}/{benchmark}"
    return [
        f"{results}/{condition}/seeds{seeds}.csv"
        for condition in (*design.conditions, *(design.controls if benchmark in SWEPT else ()))
        for seeds in batches(protocol, benchmark, design.seeds, f"{results}/{condition}", device)
    ]


def sections(benchmark: str, condition: str) -> list[str]:
    """The sections of the protocol that a run depends on."""
    return [benchmark, *(["optimizers"] if condition.endswith(OTHER_OPTIMIZERS) else [])]


def plasticity(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of eta and the norms of trace and alpha."""
    benchmark, condition = LOGGED
    folder = f"{RESULTS.format(scale=scale)}/{benchmark}/{condition}"
    return [
        f"{folder}/plasticity_seeds{seeds}.csv"
        for seeds in batches(protocol, benchmark, protocol.design.seeds, folder, device)
    ]


def etas(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The accuracy tables of all initial values of eta."""
    results = f"{RESULTS.format(scale=scale)}/eta"
    return [
        f"{results}/{benchmark}_{eta:g}/seeds{seeds}.csv"
        for benchmark in SWEPT
        for eta in protocol.design.etas
        for seeds in batches(protocol, benchmark, protocol.design.eta_seeds, f"{results}/{benchmark}_{eta:g}", device)
    ]


def tuning(protocol: Protocol, scale: str, benchmark: str, condition: str) -> list[str]:
    """The tables of all strengths tried for a consolidation (ewc, si or mas) on a benchmark, also the published one."""
    values = sorted({*getattr(protocol.tuning, condition), getattr(getattr(protocol, benchmark), condition)})
    return [f"{RESULTS.format(scale=scale)}/tune/{benchmark}_{condition}_{value:g}.csv" for value in values]


def tuning_of(protocol: Protocol, scale: str, benchmark: str, condition: str) -> list[str]:
    """The search that a condition takes its lambda from; empty for published values."""
    if not condition.endswith("-tuned"):
        return []
    return tuning(protocol, scale, benchmark, condition.removesuffix("-tuned").removeprefix("dhp-"))


def parts_of(protocol: Protocol, scale: str, name: str, device: str) -> list[str]:
    """The tables that are collected into <name>.csv."""
    if name in BENCHMARKS:
        return accuracies(protocol, scale, name, device)
    if name == "tune":
        return [table for b in SWEPT for c in CONSOLIDATED for table in tuning(protocol, scale, b, c)]
    return {"plasticity": plasticity, "eta": etas}[name](protocol, scale, device)


def tuning_seeds() -> str:
    """One seed, apart from all that are reported."""
    return f"{FIRST_TUNING_SEED}-{FIRST_TUNING_SEED}"
