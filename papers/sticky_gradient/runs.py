"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from common.running.register import Artifact, Job, Register, Stage
from common.running.workflow import seed_tables
from papers.sticky_gradient.protocol import DIGITS, FIRST_COMPARED_SEED, PIXELS, Protocol, Training
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED, decisive, has_hyperparameters

RESULTS = "results/{scale}/sticky_gradient"
MAIN = (CONTROL, EWC, FULL, FULL + SEARCHED)  # conditions of Figures 2, 4 (but EWC) and 5; Figure 3 has more cells
EWC_SETTINGS = ("training.ewc_strength", "training.fisher_images")
TRAINING = tuple(name for key in Training.__dataclass_fields__ if (name := f"training.{key}") not in EWC_SETTINGS)


def read_by_training(job: Job) -> list[str]:
    """What training a condition reads of the protocol; of a reading or a search that the job names itself, nothing."""
    condition, reads = job["condition"], list(TRAINING)
    if condition == EWC:
        reads += EWC_SETTINGS
    elif has_hyperparameters(condition) and not condition.endswith(SEARCHED):
        reads.append("attractor")
    if "reading" not in job:
        reads.append("design.reading")
    if "shared" in job:
        reads.append("design.shared_pixels")
    return reads


def read_by_full_method(job: Job) -> list[str]:
    """What a job reads that trains the full method with Table 1's values."""
    return read_by_training({**job, "condition": FULL})


def parameters(protocol: Protocol) -> int:
    """How many parameters the network has."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise((PIXELS, protocol.training.hidden, DIGITS)))


def trained(protocol: Protocol, scale: str, device: str, conditions: Iterable[str], table: str = "") -> list[str]:
    """The tables of accuracies of these conditions, or those that training names `table` ("weights_")."""
    folders = [f"{RESULTS.format(scale=scale)}/train/{name}" for name in conditions]
    return seed_tables(folders, protocol.design.seeds, parameters(protocol), device, table)


def accuracies(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 2."""
    return trained(protocol, scale, device, MAIN)


def ablation(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 3 alone: all cells, with Table 1's values and with our search's, but for the main ones."""
    cells = [*CELLS, *(cell + SEARCHED for cell in CELLS if cell != CONTROL)]
    return trained(protocol, scale, device, [cell for cell in cells if cell not in MAIN])


def weights(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 5."""
    return trained(protocol, scale, device, MAIN, "weights_")


def shared(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of Figure 4, but for the level 0, which is in those of Figure 2."""
    folders = [
        f"{RESULTS.format(scale=scale)}/shared/{name}_{level:g}"
        for level in protocol.design.shared
        for name in (CONTROL, FULL, FULL + SEARCHED)
        if level > 0
    ]
    return seed_tables(folders, protocol.design.seeds, parameters(protocol), device)


def searches(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of all readings' searches."""
    return [f"{RESULTS.format(scale=scale)}/search/{name}.csv" for name in protocol.design.readings]


def search_of(protocol: Protocol, scale: str, condition: str) -> list[str]:
    """The search that a condition takes its hyperparameters from, as a list of one file; empty for published values."""
    return [f"{RESULTS.format(scale=scale)}/search/{protocol.design.reading}.csv"] * condition.endswith(SEARCHED)


def compared(protocol: Protocol, scale: str, device: str) -> list[str]:
    """The tables of the readings that are compared; a run that several readings share is there once."""
    design = protocol.design
    runs = dict.fromkeys((decisive(name, kind), kind) for name in design.compared for kind in (CONTROL, EWC, FULL))
    folders = [f"{RESULTS.format(scale=scale)}/readings/{name}/{condition}" for name, condition in runs]
    return seed_tables(folders, design.compared_seeds, parameters(protocol), device, first=FIRST_COMPARED_SEED)


MNIST = {"data": ("mnist",)}
REGISTER = Register(
    paper="sticky_gradient",
    schema=Protocol,
    stages={
        "search": Stage(reads=lambda job: [*read_by_full_method(job), "search"], data=MNIST),
        "train": Stage(reads=read_by_training, data=MNIST),
        "trajectories": Stage(reads=read_by_full_method, data=MNIST),
        "collect_readings": Stage(),
    },
    tables={"accuracies": accuracies, "ablation": ablation, "shared": shared, "weights": weights, "search": searches},
    artifacts={
        "fig1": Artifact(("trajectories", "search"), reads=("attractor",)),
        "fig2": Artifact(("accuracies",)),
        "fig3": Artifact(("accuracies", "ablation")),
        "fig4": Artifact(("accuracies", "shared")),
        "fig5": Artifact(("weights", "search")),
        "table1": Artifact(("search",)),
        "table2": Artifact(("accuracies",)),
        "table3": Artifact(("search",)),
        "table_readings": Artifact(("readings",), reads=("design.compared",)),
    },
    comparison=Artifact(
        ("accuracies", "ablation", "shared", "weights", "search"), reads=("attractor", "design.reading")
    ),
)
