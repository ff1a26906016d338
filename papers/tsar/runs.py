"""What the paper has: its stages, tables and figures, and the files of every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from common.running.register import Artifact, Job, Register, Stage
from common.running.workflow import seed_batches
from papers.tsar.protocol import (
    FIRST_TUNING_SEED,
    NAMED_BIASES,
    Design,
    Protocol,
    check_conditions,
    grid_of_rates,
    initial_bias,
    with_initial_bias,
)

IMAGENET, CIFAR100 = ("activity_imagenet", "transfer"), ("activity_cifar100", "transfer_cifar100")  # tables of figures
SEQUENCE = ("transfer.classes", "transfer.images_per_class", "transfer.recall_after", "transfer.regulation_bias")


def combinations(design: Design) -> list[tuple[str, str]]:
    """Return all pairs of a condition and a meta-learning set: those that are named, and the sweep of initial biases.

    Scratch does not meta-learn: it runs once, as "rich". So does the sweep, of which Grow and Sculpt are points.
    """
    named = [(condition, name) for condition in design.conditions for name in design.meta_learning_sets]
    named = [(condition, name) for condition, name in named if condition != "scratch" or name == "rich"]
    sweep = [(with_initial_bias(bias), "rich") for bias in design.sweep_biases]
    return list(dict.fromkeys(named + sweep))


def lengths(condition: str, meta_learning_set: str, design: Design) -> tuple[int, ...]:
    """Return after how many meta-iterations models are transferred; the last is the whole length, 0 for Scratch."""
    if condition == "scratch":
        return (0,)
    several = condition in NAMED_BIASES and meta_learning_set == "rich"
    return design.meta_iterations if several else design.meta_iterations[-1:]


def finished(design: Design) -> list[tuple[str, str, int]]:
    """Return all combinations, each with its whole length."""
    return [(*names, lengths(*names, design)[-1]) for names in combinations(design)]


def of_every_length(design: Design) -> list[tuple[str, str, int]]:
    """Return the combinations that are transferred after several lengths, with each of these."""
    several = [names for names in combinations(design) if names[0] in NAMED_BIASES and names[1] == "rich"]
    return [(*names, iterations) for names in several for iterations in lengths(*names, design)]


def folder(scale: str, stage: str, condition: str, meta_learning_set: str, iterations: int | str) -> str:
    """Return where the results of a stage lie that belong to models of one kind and length."""
    return f"results/{scale}/tsar/{stage}/{condition}_{meta_learning_set}_after{iterations}"


def batches(scale: str, condition: str, meta_learning_set: str, first: int, count: int, design: Design) -> list[str]:
    """Return `count` seeds from `first` on, cut into jobs, which a condition shares in all its stages and lengths."""
    stage = "transfer" if condition == "scratch" else "meta"
    done = f"{folder(scale, stage, condition, meta_learning_set, '*')}/*seeds*.csv"
    return seed_batches(first, count, design.seeds_per_job, done)


def models(scale: str, condition: str, meta_learning_set: str, iterations: int | str, seeds: str) -> list[str]:
    """Return the file of meta-learned models of a batch of seeds, in a list; after 0 iterations there is none."""
    if int(iterations) == 0:
        return []
    return [f"{folder(scale, 'meta', condition, meta_learning_set, iterations)}/seeds{seeds}.pt"]


def tuning_models(
    scale: str, condition: str, meta_learning_set: str, iterations: int | str, design: Design
) -> list[str]:
    """Return the models that the learning rate is tuned on: those of the tuning seeds."""
    tuning = batches(scale, condition, meta_learning_set, FIRST_TUNING_SEED, design.tuning_seeds, design)
    return [path for seeds in tuning for path in models(scale, condition, meta_learning_set, iterations, seeds)]


def tuning_seeds(design: Design) -> str:
    """Return the range of the tuning seeds, as the command line takes it."""
    return f"{FIRST_TUNING_SEED}-{FIRST_TUNING_SEED + design.tuning_seeds - 1}"


def shorter_run(
    scale: str, condition: str, meta_learning_set: str, iterations: str, seeds: str, design: Design
) -> list[str]:
    """Return the models that are kept before those of this length, in a list: their run is the one that goes on."""
    before = [length for length in lengths(condition, meta_learning_set, design) if length < int(iterations)]
    return models(scale, condition, meta_learning_set, before[-1], seeds) if before else []


def keep_checkpoint(condition: str, meta_learning_set: str, design: Design) -> str:
    """Return the option of meta_train that keeps its checkpoint, from which longer runs go on; nothing for one length."""
    return "--keep-checkpoint" if len(lengths(condition, meta_learning_set, design)) > 1 else ""


def regulated(design: Design) -> list[tuple[str, str, int]]:
    """Return the combinations that have a regulator, each with its whole length."""
    return [names for names in finished(design) if initial_bias(names[0]) is not None]


def untrained(design: Design) -> list[tuple[str, str, int]]:
    """Return Grow and Sculpt before meta-learning, if the design transfers them: its control."""
    return [names for names in of_every_length(design) if names[-1] == 0]


def varied(design: Design) -> list[tuple[str, str, int]]:
    """Return the combination of which there are variants, with its whole length: Grow on rich data, in a list."""
    return [names for names in finished(design) if names[:2] == ("grow", "rich")]


def controls(design: Design) -> list[tuple[str, str, int]]:
    """Return the combinations that Figure 5 C sets beside Grow, each with its whole length."""
    return _on_rich_data(design.control_conditions, design)


def on_omniglot(design: Design) -> list[tuple[str, str, int]]:
    """Return the combinations that learn unseen Omniglot classes, each with its whole length."""
    return _on_rich_data(design.omniglot_conditions, design)


def on_cifar100(design: Design) -> list[tuple[str, str, int]]:
    """Return the combinations that are transferred to CIFAR-100, each with its whole length: those of Figure 9 too."""
    return list(dict.fromkeys(finished(design) + on_omniglot(design)))


def _on_rich_data(conditions: Iterable[str], design: Design) -> list[tuple[str, str, int]]:
    return [(name, "rich", lengths(name, "rich", design)[-1]) for name in conditions]


def transfer_tables(
    name: str,
    which: Callable[[Design], list[tuple[str, str, int]]],
    protocol: Protocol,
    scale: str,
    device: str,
    stage: str = "transfer",
) -> list[str]:
    """Return the parts of a table that transfer or another stage writes, of every batch of reporting seeds.

    name: its files, with {seeds}; which: names the combinations and lengths.
    """
    return [
        f"{folder(scale, stage, condition, meta_learning_set, iterations)}/{name.format(seeds=seeds)}"
        for condition, meta_learning_set, iterations in which(protocol.design)
        for seeds in batches(scale, condition, meta_learning_set, 0, protocol.design.seeds, protocol.design)
    ]


def tuning_tables(protocol: Protocol, scale: str, device: str) -> list[str]:
    """Return the parts of the table `tune`: of every combination and length that is transferred."""
    design = protocol.design
    every = [(*names, iterations) for names in combinations(design) for iterations in lengths(*names, design)]
    return [
        f"{folder(scale, 'tune', *of)}/imagenet.csv"
        for of in dict.fromkeys(every + controls(design) + on_omniglot(design))
    ]


def meta_learning_logs(protocol: Protocol, scale: str, device: str) -> list[str]:
    """Return the logs of Grow's and Sculpt's meta-learning, over its whole length."""
    return [
        f"{folder(scale, 'meta', *names)}/seeds{seeds}.csv"
        for names in finished(protocol.design)
        if names[0] in NAMED_BIASES
        for seeds in batches(scale, *names[:2], 0, protocol.design.seeds, protocol.design)
    ]


def read_by_tune(job: Job) -> tuple[str, ...]:
    """Return the settings that the tuning of a condition reads."""
    return (*_of_models(job), *SEQUENCE, f"transfer.{grid_of_rates(job['condition'])}")


def read_by_transfer(job: Job) -> tuple[str, ...]:
    """Return the settings that the transfer of a condition reads; its learning rate is a result of tuning."""
    return (*_of_models(job), *SEQUENCE, *([] if initial_bias(job["condition"]) is None else ["analysis"]))


def read_by_omniglot(job: Job) -> tuple[str, ...]:
    """Return the settings that learning unseen Omniglot classes reads."""
    return (*_of_models(job), "transfer.regulation_bias", "omniglot")


def _of_models(job: Job) -> tuple[str, ...]:
    """Return what a model must have been meta-learned with, if it was. Raises ProtocolError for an unknown condition."""
    check_conditions([job["condition"]])
    return ("network",) if str(job.get("iterations")) == "0" else ("network", "meta_learning")


REGISTER = Register(
    paper="tsar",
    schema=Protocol,
    stages={
        "meta_train": Stage(reads=_of_models, data={"omniglot": ("omniglot",)}),
        "tune": Stage(reads=read_by_tune),
        "transfer": Stage(reads=read_by_transfer),
        "variants": Stage(reads=read_by_transfer),
        "omniglot": Stage(reads=read_by_omniglot, data={"images": ("omniglot",)}),
    },
    tables={
        "transfer": partial(transfer_tables, "imagenet_seeds{seeds}.csv", finished),
        "transfer_cifar100": partial(transfer_tables, "cifar100_seeds{seeds}.csv", on_cifar100),
        "diagnostics": partial(transfer_tables, "diagnostics_imagenet_seeds{seeds}.csv", finished),
        "final_recall": partial(transfer_tables, "final_recall_imagenet_seeds{seeds}.csv", finished),
        "controls": partial(transfer_tables, "imagenet_seeds{seeds}.csv", controls),
        "variants": partial(transfer_tables, "seeds{seeds}.csv", varied, stage="variants"),
        "omniglot": partial(transfer_tables, "seeds{seeds}.csv", on_omniglot, stage="omniglot"),
        "snapshots": partial(transfer_tables, "imagenet_seeds{seeds}.csv", of_every_length),
        "tune": tuning_tables,
        "meta_learning": meta_learning_logs,
    },
    arrays={
        name: partial(transfer_tables, f"{name}_seeds{{seeds}}.npz", regulated)
        for name in ("activity_imagenet", "activity_cifar100")
    }
    | {"activity_untrained": partial(transfer_tables, "activity_imagenet_seeds{seeds}.npz", untrained)}
    | {
        name: partial(transfer_tables, f"{name}_seeds{{seeds}}.npz", varied, stage="variants")
        for name in ("variant_activity", "image_masks")
    },
    artifacts={
        "fig1": Artifact(("transfer",)),
        "fig2": Artifact(IMAGENET),
        "fig3": Artifact(IMAGENET, reads=("network",)),
        "fig4": Artifact(("meta_learning", *IMAGENET)),
        "fig5": Artifact((*IMAGENET, "variants", "controls")),
        "fig6": Artifact(IMAGENET),
        "fig7": Artifact(CIFAR100),
        "fig8": Artifact(IMAGENET + CIFAR100),
        "fig9": Artifact(("transfer_cifar100", *IMAGENET, "diagnostics", "omniglot")),
        "fig10": Artifact((*IMAGENET, "variant_activity", "image_masks")),
        **{f"fig{number}": Artifact(IMAGENET if number % 2 else CIFAR100) for number in range(11, 17)},
        **{f"fig{number}": Artifact(IMAGENET + CIFAR100) for number in range(17, 20)},
        "fig_transfer": Artifact(("transfer", "diagnostics", "final_recall")),
        "fig_recall": Artifact(("snapshots",)),
        "table_tuning": Artifact(("tune",)),
        "table_untrained": Artifact(("activity_untrained", "activity_imagenet")),
    },
    comparison=Artifact(
        (
            *("transfer", "transfer_cifar100", "diagnostics", "meta_learning", "variants", "controls", "omniglot"),
            *("activity_imagenet", "activity_cifar100", "variant_activity", "image_masks"),
        )
    ),
)
