"""Which files TSAR's results need: the code behind each stage, and the models and tables of every run."""

from __future__ import annotations

from common.workflow import seed_batches
from papers.tsar.protocol import FIRST_TUNING_SEED, Design

NEEDS = {"fig1": ("transfer",)}  # the tables that each figure is drawn from

# The code that decides a stage's numbers: editing one of these files, and no other, makes the stage run again.
NETWORK = [
    "papers/tsar/data.py",
    "papers/tsar/model.py",
    "papers/tsar/method.py",
    "papers/tsar/models.py",
    "common/optimizers.py",
    "common/factored_linear.py",
    "common/inner_loop.py",
    "common/randomness.py",
]
TRANSFER = ["papers/tsar/transfer.py", "common/metrics.py", "common/streams.py", *NETWORK]
RESULTS = ["papers/tsar/recall.py", "common/reported.py", "common/stats.py"]
CODE = {
    "meta_train": ["papers/tsar/meta_train.py", *NETWORK],
    "tune": ["papers/tsar/tune.py", *TRANSFER],
    "transfer": TRANSFER,
    "figures": ["papers/tsar/figures.py", "common/plotting.py", *RESULTS],
    "compare": [
        "papers/tsar/compare.py",
        "papers/tsar/claims.py",
        "common/claims.py",
        "common/comparison.py",
        *RESULTS,
    ],
}


def treatments(design: Design) -> list[tuple[str, str]]:
    """All (treatment, condition) pairs: the named treatments, and the sweep of the regulator's initial bias.

    Scratch has no meta-learning, hence no condition: it runs once, as "rich".  The sweep's -8 is Grow, its 0 Sculpt.  What
    is named and in the sweep too is there once.
    """
    named = [(name, condition) for name in design.treatments for condition in design.conditions]
    named = [(name, condition) for name, condition in named if name != "scratch" or condition == "rich"]
    sweep = [(f"bias{bias}", "rich") for bias in design.sweep_biases if bias not in (-8, 0)]
    return list(dict.fromkeys(named + sweep))


def batches(scale: str, treatment: str, condition: str, first: int, count: int, design: Design) -> list[str]:
    """Seeds of a treatment, cut into jobs, which its meta-learning and its transfer share."""
    stage = "transfer" if treatment == "scratch" else "meta"
    finished = f"results/{scale}/tsar/{stage}/{treatment}_{condition}/seeds*.csv"
    return seed_batches(first, count, design.seeds_per_job, finished)


def tuning_models(scale: str, treatment: str, condition: str, design: Design) -> list[str]:
    """The models that the learning rate is tuned on: those of the tuning seeds; none for Scratch."""
    tuning = batches(scale, treatment, condition, FIRST_TUNING_SEED, design.tuning_seeds, design)
    return [path for seeds in tuning for path in models(scale, treatment, condition, seeds)]


def models(scale: str, treatment: str, condition: str, seeds: str) -> list[str]:
    """The meta-learned models of a batch of seeds, as a list of one file; empty for Scratch."""
    if treatment == "scratch":
        return []
    return [f"results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.pt"]


def transfer_tables(scale: str, design: Design) -> list[str]:
    """The transfer tables of all treatments, conditions and reporting seeds."""
    return [
        f"results/{scale}/tsar/transfer/{treatment}_{condition}/seeds{seeds}.csv"
        for treatment, condition in treatments(design)
        for seeds in batches(scale, treatment, condition, 0, design.seeds, design)
    ]
