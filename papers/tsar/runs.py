"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from common.running.register import NOT_YET, Artifact, Job, Register, Stage
from common.running.workflow import seed_batches
from papers.tsar.protocol import FIRST_TUNING_SEED, Design, Protocol, grid_of_rates, with_initial_bias

SEQUENCE = ("transfer.classes", "transfer.images_per_class", "transfer.regulation_bias")


def combinations(design: Design) -> list[tuple[str, str]]:
    """Return all pairs of a condition and a meta-learning set: those that are named, and the sweep of initial biases.

    Scratch does not meta-learn: it runs once, as "rich". So does the sweep, of which Grow and Sculpt are points.
    """
    named = [(condition, name) for condition in design.conditions for name in design.meta_learning_sets]
    named = [(condition, name) for condition, name in named if condition != "scratch" or name == "rich"]
    sweep = [(with_initial_bias(bias), "rich") for bias in design.sweep_biases]
    return list(dict.fromkeys(named + sweep))


def batches(scale: str, condition: str, meta_learning_set: str, first: int, count: int, design: Design) -> list[str]:
    """Return `count` seeds from `first` on, cut into jobs, which a condition's meta-learning and transfer share."""
    stage = "transfer" if condition == "scratch" else "meta"
    finished = f"results/{scale}/tsar/{stage}/{condition}_{meta_learning_set}/seeds*.csv"
    return seed_batches(first, count, design.seeds_per_job, finished)


def models(scale: str, condition: str, meta_learning_set: str, seeds: str) -> list[str]:
    """Return the file of meta-learned models of a batch of seeds, in a list; Scratch has none."""
    if condition == "scratch":
        return []
    return [f"results/{scale}/tsar/meta/{condition}_{meta_learning_set}/seeds{seeds}.pt"]


def tuning_models(scale: str, condition: str, meta_learning_set: str, design: Design) -> list[str]:
    """Return the models that the learning rate is tuned on: those of the tuning seeds."""
    tuning = batches(scale, condition, meta_learning_set, FIRST_TUNING_SEED, design.tuning_seeds, design)
    return [path for seeds in tuning for path in models(scale, condition, meta_learning_set, seeds)]


def transfer_tables(protocol: Protocol, scale: str, device: str) -> list[str]:
    """Return the parts of the table `transfer`: of every condition, meta-learning set and batch of reporting seeds."""
    return [
        f"results/{scale}/tsar/transfer/{condition}_{meta_learning_set}/seeds{seeds}.csv"
        for condition, meta_learning_set in combinations(protocol.design)
        for seeds in batches(scale, condition, meta_learning_set, 0, protocol.design.seeds, protocol.design)
    ]


def read_by_tune(job: Job) -> tuple[str, ...]:
    """Return the settings that the tuning of a condition reads."""
    return (*_of_models(job), *SEQUENCE, f"transfer.{grid_of_rates(job['condition'])}", "design.tuning_seeds")


def read_by_transfer(job: Job) -> tuple[str, ...]:
    """Return the settings that the transfer of a condition reads; its learning rate is a result of tuning."""
    return (*_of_models(job), *SEQUENCE, "transfer.recall_after")


def _of_models(job: Job) -> tuple[str, ...]:
    """Return what a model must have been meta-learned with, if it was."""
    return ("network",) if job["condition"] == "scratch" else ("network", "meta_learning")


REGISTER = Register(
    paper="tsar",
    schema=Protocol,
    stages={
        "meta_train": Stage(reads=("network", "meta_learning")),
        "tune": Stage(reads=read_by_tune),
        "transfer": Stage(reads=read_by_transfer),
    },
    tables={"transfer": transfer_tables},
    artifacts={"fig1": Artifact(("transfer",)), **{f"fig{number}": Artifact(NOT_YET) for number in range(2, 20)}},
    comparison=Artifact(("transfer",)),
)
