"""What DAN has: its stages, tables and figures; and the files of every run."""

from __future__ import annotations

from itertools import pairwise

from common.running.register import Artifact, Parts, Register, Stage
from common.running.workflow import seed_batches, seeds_per_job
from papers.dan.protocol import Design, MetaTraining, Protocol

RESULTS = "results/{scale}/dan"


def synapses(settings: MetaTraining) -> int:
    """Return how many weights and biases the VECs have: nearly all parameters of a network."""
    nodes = settings.nodes
    pairs = [*pairwise(nodes), *((nodes[start], nodes[end]) for start, end in settings.skips)]
    return settings.n_channels * (sum(n * m for n, m in pairs) + sum(nodes[1:]))


def batches(protocol: Protocol, scale: str, experiment: str, variant: str, device: str) -> list[str]:
    """Return the seeds of a variant of an experiment, cut into jobs, which meta-training and deployment share.

    experiment: "regression" or "images"; variant: of `variants`, or a condition of the images.
    """
    settings, design = getattr(protocol, experiment), protocol.design
    seeds = design.seeds if experiment == "regression" else design.image_seeds
    size = seeds_per_job(settings.population * synapses(settings), seeds, device)
    finished = meta_trained(scale, experiment, variant, "*", "csv")
    if variant == "random":  # deployed without meta-training
        finished = deployed(scale, "image_errors_random", "*")
    return seed_batches(0, seeds, size, finished)


def variants(design: Design, n_channels: int) -> list[str]:
    """Return the meta-trainings of the regression, <sharing>_<n_channels>: the ways of sharing, and the sweep over channels."""
    of_sharing = [f"{sharing}_{n_channels}" for sharing in design.sharing]
    return of_sharing + [f"network_{count}" for count in design.n_channels if count != n_channels]


def deployed_variant(protocol: Protocol) -> str:
    """Return the meta-training whose phenotypes are deployed on functions: one for the network, all channels."""
    return f"network_{protocol.regression.n_channels}"


def meta_trained(scale: str, experiment: str, variant: str, seeds: str, ending: str = "pt") -> str:
    """Return the path of a batch's phenotypes, or (ending "csv") of their log."""
    return f"{RESULTS.format(scale=scale)}/{experiment}/{variant}/seeds{seeds}.{ending}"


def deployed(scale: str, table: str, seeds: str, ending: str = "csv") -> str:
    """Return the path of a table, or (ending "npz") of arrays, of a batch's deployment."""
    return f"{RESULTS.format(scale=scale)}/deployed/{table}_seeds{seeds}.{ending}"


def phenotypes(scale: str, seeds: str) -> str:
    """Return the path of the phenotypes that are deployed on functions."""
    return meta_trained(scale, "regression", deployed_variant(REGISTER.protocol(scale)), seeds)


def image_phenotypes(scale: str, condition: str, seeds: str) -> list[str]:
    """Return the path of the phenotypes that a condition of the images deploys, in a list; none for random ones."""
    return [] if condition == "random" else [meta_trained(scale, "images", condition, seeds)]


def meta(protocol: Protocol, scale: str, device: str) -> list[str]:
    """Return the parts of the table meta: the logs of the regression's meta-trainings."""
    return [
        meta_trained(scale, "regression", variant, seeds, "csv")
        for variant in variants(protocol.design, protocol.regression.n_channels)
        for seeds in batches(protocol, scale, "regression", variant, device)
    ]


def image_meta(protocol: Protocol, scale: str, device: str) -> list[str]:
    """Return the parts of the table image_meta: the logs of the images' meta-trainings."""
    return [
        meta_trained(scale, "images", condition, seeds, "csv")
        for condition in protocol.design.image_conditions
        if condition != "random"
        for seeds in batches(protocol, scale, "images", condition, device)
    ]


def on_functions(table: str) -> Parts:
    """Return what names the parts of a table of deployments on functions."""

    def parts(protocol: Protocol, scale: str, device: str) -> list[str]:
        seeds = batches(protocol, scale, "regression", deployed_variant(protocol), device)
        return [deployed(scale, table, own) for own in seeds]

    return parts


def on_images(table: str, ending: str = "csv") -> Parts:
    """Return what names the parts of a table, or of arrays, of deployments on images."""

    def parts(protocol: Protocol, scale: str, device: str) -> list[str]:
        return [
            deployed(scale, f"{table}_{condition}", seeds, ending)
            for condition in protocol.design.image_conditions
            for seeds in batches(protocol, scale, "images", condition, device)
        ]

    return parts


ON_FUNCTIONS = ("functions", "shown_functions", "averaged", "evaluate_every", "grid_per_task")  # of the design
REGISTER = Register(
    paper="dan",
    schema=Protocol,
    stages={
        "meta_train": Stage(
            reads=lambda job: (job["experiment"],),
            data=lambda job: {"omniglot": ("omniglot",) if job["experiment"] == "images" else ()},
        ),
        "deploy": Stage(reads=("regression", *(f"design.{key}" for key in ON_FUNCTIONS))),
        "deploy_images": Stage(reads=("images",), data={"mnist": ("mnist",)}),
        "diagram": Stage(reads=("diagram",)),
    },
    tables={
        "meta": meta,
        "image_meta": image_meta,
        **{name: on_functions(name) for name in ("stages", "curves", "predictions")},
        "image_errors": on_images("image_errors"),
    },
    arrays={"image_grids": on_images("image_grids", "npz")},
    artifacts={
        "fig1": Artifact(("diagram",)),
        "fig2": Artifact(("image_errors", "image_grids")),
        "fig3": Artifact(("predictions",)),
        "fig4": Artifact(("curves", "meta")),
    },
    comparison=Artifact(("meta", "stages", "image_meta", "image_errors", "image_grids")),
)
