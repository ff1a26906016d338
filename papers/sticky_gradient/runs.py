"""Which files the results need: the code behind each stage, and the tables of every run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from common.workflow import CONTINUAL_CODE, seed_batches, seeds_per_job
from papers.sticky_gradient.protocol import DIGITS, FIRST_COMPARED_SEED, PIXELS, Protocol
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED, decisive

HERE = "papers/sticky_gradient"
RESULTS = "results/{scale}/sticky_gradient"
MAIN = (CONTROL, EWC, FULL, FULL + SEARCHED)  # conditions of Figures 2, 4 (but EWC) and 5; Figure 3 has more cells

# The collected tables that each figure and table is made from.
NEEDS = {
    "fig1": ("trajectories", "search"),
    "fig2": ("accuracies",),
    "fig3": ("accuracies", "ablation"),
    "fig4": ("accuracies", "shared"),
    "fig5": ("weights", "search"),
    "table1": ("search",),
    "table2": ("accuracies",),
    "table3": ("search",),
    "readings": ("readings",),  # a table of our own
}
TABLES = ("accuracies", "ablation", "shared", "weights", "search")  # that the comparison with the paper reads

# The code that decides a stage's numbers: editing one of these files, and no other, makes the stage run again.
TRAIN = [
    f"{HERE}/train.py",
    f"{HERE}/data.py",
    f"{HERE}/fused.py",
    f"{HERE}/method.py",
    f"{HERE}/model.py",
    f"{HERE}/readings.py",
    f"{HERE}/weights.py",
    *CONTINUAL_CODE,
]
MODULES = ["conditions", "collected", "distributions", "method", "readings", "searches", "trials"]
SHOWN = [
    *(f"{HERE}/{name}.py" for name in MODULES),
    *(f"common/{name}.py" for name in ("accuracies", "claims", "collected", "consolidation", "reported", "stats")),
]
DRAWN = ["fig1", "fig2", "fig3", "fig4", "fig5", "tables", "drawing"]
CODE = {
    "figures": [
        f"{HERE}/figures.py",
        *(f"{HERE}/{name}.py" for name in DRAWN),
        "common/plotting.py",
        "common/tables.py",
        *SHOWN,
    ],
    "compare": [f"{HERE}/compare.py", f"{HERE}/claims.py", f"{HERE}/evidence.py", "common/comparison.py", *SHOWN],
    "train": TRAIN,
    "search": [f"{HERE}/search.py", *TRAIN],
    "trajectories": [f"{HERE}/trajectories.py", *TRAIN],
    "trials": [
        *(f"{HERE}/{name}.py" for name in ("trials", "conditions", "distributions", "readings")),
        "common/accuracies.py",
    ],
}


def batches(protocol: Protocol, folder: str, device: str, first: int = 0, seeds: int | None = None) -> list[str]:
    """The seeds of the condition whose results lie in the folder, cut into jobs; by default those that are reported."""
    sizes = (PIXELS, protocol.training.hidden, DIGITS)
    parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    seeds = protocol.design.seeds if seeds is None else seeds
    return seed_batches(first, seeds, seeds_per_job(parameters, seeds, device), f"{folder}/seeds*.csv")


def ablation() -> list[str]:
    """The conditions of Figure 3 alone: all cells, with Table 1's values and with our search's, but for the main ones."""
    cells = [*CELLS, *(cell + SEARCHED for cell in CELLS if cell != CONTROL)]
    return [cell for cell in cells if cell not in MAIN]


def trained(protocol: Protocol, scale: str, device: str, conditions: Iterable[str]) -> list[str]:
    """The tables of accuracies of these conditions."""
    folders = [f"{RESULTS.format(scale=scale)}/train/{name}" for name in conditions]
    return [f"{folder}/seeds{seeds}.csv" for folder in folders for seeds in batches(protocol, folder, device)]


def weights(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 5."""
    folders = [f"{RESULTS.format(scale=scale)}/train/{name}" for name in MAIN]
    return [f"{folder}/weights_seeds{seeds}.csv" for folder in folders for seeds in batches(protocol, folder, device)]


def shared(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 4, but for the level 0, which is in those of Figure 2."""
    folders = [
        f"{RESULTS.format(scale=scale)}/shared/{name}_{level:g}"
        for level in protocol.design.shared
        for name in (CONTROL, FULL, FULL + SEARCHED)
        if level > 0
    ]
    return [f"{folder}/seeds{seeds}.csv" for folder in folders for seeds in batches(protocol, folder, device)]


def searches(protocol: Protocol, scale: str) -> list[str]:
    """The tables of all readings' searches."""
    return [f"{RESULTS.format(scale=scale)}/search/{name}.csv" for name in protocol.design.readings]


def parts_of(protocol: Protocol, scale: str, name: str, device: str) -> list[str]:
    """The tables that are collected into <name>.csv."""
    if name == "search":
        return searches(protocol, scale)
    if name in ("accuracies", "ablation"):
        return trained(protocol, scale, device, MAIN if name == "accuracies" else ablation())
    return {"shared": shared, "weights": weights}[name](protocol, scale, device)


def trials(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of the readings that are compared; a run that several readings share is there once."""
    design = protocol.design
    found = dict.fromkeys((decisive(name, kind), kind) for name in design.compared for kind in (CONTROL, EWC, FULL))
    folders = [f"{RESULTS.format(scale=scale)}/readings/{name}/{condition}" for name, condition in found]
    return [
        f"{folder}/seeds{seeds}.csv"
        for folder in folders
        for seeds in batches(protocol, folder, device, FIRST_COMPARED_SEED, design.compared_seeds)
    ]


def search_of(protocol: Protocol, scale: str, condition: str) -> list[str]:
    """The search that a condition takes its hyperparameters from, as a list of one file; empty for published values."""
    return (
        [f"{RESULTS.format(scale=scale)}/search/{protocol.design.reading}.csv"] if condition.endswith(SEARCHED) else []
    )
