"""Which files the results need: the code behind each stage, and the phenotypes and tables of every run."""

from __future__ import annotations

from itertools import pairwise

from common.protocol import ProtocolError
from common.workflow import seed_batches, seeds_per_job
from papers.dan.protocol import DIGITS, Design, MetaTraining, Protocol

HERE = "papers/dan"
RESULTS = "results/{scale}/dan"

# The collected tables that each figure is made from.
NEEDS = {
    "fig1": ("diagram",),
    "fig2": ("image_errors", "image_grids"),
    "fig3": ("predictions",),
    "fig4": ("curves", "meta"),
}
# The collected tables that the comparison with the paper reads.
TABLES = ("meta", "stages", "curves", "image_meta", "image_errors", "image_grids")

# The code that decides a stage's numbers: editing one of these files, and no other, makes the stage run again.
LEARNING = [
    *(f"{HERE}/{name}.py" for name in ("method", "model", "fused")),
    *(f"common/{name}.py" for name in ("optimizers", "randomness", "replicas")),
]
DEPLOY = [*(f"{HERE}/{name}.py" for name in ("deploy", "conditions", "phenotypes", "sequences")), *LEARNING]
SHOWN = [
    *(f"{HERE}/{name}.py" for name in ("conditions", "collected", "evidence")),
    *(f"common/{name}.py" for name in ("collected", "reported", "stats")),
]
DRAWN = [f"{HERE}/{name}.py" for name in ("figures", "fig1", "fig2", "fig3", "fig4")]
CODE = {
    "meta_train": [*(f"{HERE}/{name}.py" for name in ("meta_train", "data", "phenotypes", "sequences")), *LEARNING],
    "deploy": DEPLOY,
    "deploy_images": [*(f"{HERE}/{name}.py" for name in ("deploy_images", "data")), *DEPLOY],
    "diagram": [f"{HERE}/diagram.py", *LEARNING],
    "figures": [*DRAWN, "common/plotting.py", *SHOWN],
    "compare": [f"{HERE}/compare.py", f"{HERE}/claims.py", "common/claims.py", "common/comparison.py", *SHOWN],
}


def checked(protocol: Protocol) -> Protocol:
    """The protocol, for the workflow. Raises ProtocolError if Figure 2 could not be made with it."""
    if protocol.images.tasks != DIGITS:
        raise ProtocolError(f"images.tasks: Figure 2 is of {DIGITS} digits, not {protocol.images.tasks}")
    return protocol


def synapses(settings: MetaTraining) -> int:
    """How many weights and biases the VECs have: nearly all parameters of a network."""
    pairs = [
        *pairwise(settings.nodes),
        *((settings.nodes[start], settings.nodes[end]) for start, end in settings.skips),
    ]
    return settings.n_channels * sum(n * m for n, m in pairs) + settings.n_channels * sum(settings.nodes[1:])


def batches(protocol: Protocol, scale: str, experiment: str, variant: str, device: str) -> list[str]:
    """The seeds of a variant of an experiment, cut into jobs, which its meta-training and its deployment share."""
    settings, design = getattr(protocol, experiment), protocol.design
    seeds = design.seeds if experiment == "regression" else design.image_seeds
    size = seeds_per_job(settings.population * synapses(settings), seeds, device)
    finished = meta_trained(scale, experiment, variant, "*", "csv")
    if variant == "random":  # deployed without meta-training
        finished = deployed(scale, "image_errors_random", "*")
    return seed_batches(0, seeds, size, finished)


def variants(design: Design, n_channels: int) -> list[str]:
    """The meta-trainings of the regression, as <sharing>_<n_channels>: the sharing schemes, and the sweep over channels."""
    found = [f"{sharing}_{n_channels}" for sharing in design.sharing]
    return found + [f"network_{count}" for count in design.n_channels if count != n_channels]


def meta_trained(scale: str, experiment: str, variant: str, seeds: str, ending: str = "pt") -> str:
    """The phenotypes of a batch of seeds, or (csv) their log."""
    return f"{RESULTS.format(scale=scale)}/{experiment}/{variant}/seeds{seeds}.{ending}"


def deployed(scale: str, table: str, seeds: str) -> str:
    """A table of deployments of a batch of seeds."""
    return f"{RESULTS.format(scale=scale)}/deployed/{table}_seeds{seeds}.csv"


def image_phenotypes(scale: str, condition: str, seeds: str) -> list[str]:
    """The phenotypes that a condition of the images deploys, as a list of one file; none for random ones."""
    return [] if condition == "random" else [meta_trained(scale, "images", condition, seeds)]


def parts(protocol: Protocol, scale: str, table: str, device: str) -> list[str]:
    """The tables that a collected one is put together from."""

    def of(experiment: str, variant: str) -> list[str]:
        return batches(protocol, scale, experiment, variant, device)

    design, n_channels = protocol.design, protocol.regression.n_channels
    if table == "meta":
        return [
            meta_trained(scale, "regression", variant, seeds, "csv")
            for variant in variants(design, n_channels)
            for seeds in of("regression", variant)
        ]
    if table == "image_meta":
        conditions = [name for name in design.image_conditions if name != "random"]
        return [
            meta_trained(scale, "images", name, seeds, "csv") for name in conditions for seeds in of("images", name)
        ]
    if table.startswith("image_"):
        names = design.image_conditions
        return [deployed(scale, f"{table}_{name}", seeds) for name in names for seeds in of("images", name)]
    return [deployed(scale, table, seeds) for seeds in of("regression", f"network_{n_channels}")]
