"""Tiny runs of every stage of every paper and study, as its command line would run it, on stand-ins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from common.data import prepare
from common.running import register

SETS = ("mnist", "cifar10", "cifar100", "omniglot", "imagenet")
TINY = {  # protocols of a few steps
    "synaptic_intelligence": """
        split_mnist.hidden=[8] split_mnist.epochs=1
        permuted_mnist.hidden=[8,8] permuted_mnist.epochs=1 permuted_mnist.fisher_images=20
        cifar.channels=[2,3] cifar.dense=4 cifar.epochs=1 cifar.batch=100""",
    "sticky_gradient": """
        training.hidden=8 training.tasks=2 training.fisher_images=10 search.trials=1 search.held_out=50""",
    "dhp": """
        permuted.tasks=2 permuted.hidden=[8,8] permuted.epochs=1 permuted.importance_images=20
        imbalanced.tasks=2 imbalanced.hidden=[8,8] imbalanced.epochs=1
        split.hidden=[8,8] split.epochs=1 split.importance_images=10
        vision.channels=[2,3] vision.dense=6 vision.epochs=1 vision.importance_images=10""",
    "dan": """
        regression.sequences=1 regression.nodes=[1,4,3,1] regression.n_channels=3 regression.hidden=[4,3]
        regression.steps_per_task=2 images.sequences=1 images.steps_per_task=2
        images.nodes=[196,4,3,4,196] design.functions=2 design.shown_functions=1""",
    "tsar": """
        meta_learning.percentile_every=3 transfer.classes=21 transfer.recall_after=[1,10,21]
        transfer.learning_rates=[1e-3] transfer.baseline_learning_rates=[1e-3]""",
    "cross_benchmark": """
        training.hidden=[8] training.tasks=2 training.importance_images=10 search.trials=2 search.held_out=100
        cifar.channels=[2] cifar.dense=8 cifar.tasks=2 cifar.importance_images=10""",
}
# What computes with torch: one command a line, in an order in which the later ones find what the earlier wrote.
STAGES = {
    "synaptic_intelligence": """
        train --benchmark split_mnist --condition si-1 --seeds 0-1 --data {mnist} --out {out}/split.csv
        train --benchmark permuted_mnist --condition si-0.1 --seeds 0-1 --data {mnist} --out {out}/si.csv \
            --correlations {out}/correlations.csv
        train --benchmark permuted_mnist --condition dropout --seeds 0-1 --data {mnist} --out {out}/dropout.csv
        train --benchmark permuted_mnist --condition joint --seeds 0-1 --data {mnist} --out {out}/joint.csv
        tune --condition ewc --value 100 --seeds 1000 --data {mnist} --out {out}/tuning.csv
        train --benchmark permuted_mnist --condition ewc --seeds 0-1 --data {mnist} --out {out}/ewc.csv \
            --tuning {out}/tuning.csv
        train --benchmark cifar --condition si-0.1 --seeds 0-1 --data {cifar10} {cifar100} --out {out}/cifar.csv
        train --benchmark cifar --condition scratch --seeds 0 --data {cifar10} {cifar100} --out {out}/scratch.csv""",
    "sticky_gradient": """
        train --condition sticky-l1-smart --seeds 0-1 --data {mnist} --out {out}/full.csv --weights {out}/weights.csv
        train --condition ewc --seeds 0 --data {mnist} --out {out}/ewc.csv
        train --condition ewc --reading unit-gradient-sum-online --seeds 0 --data {mnist} --out {out}/online.csv
        train --condition sticky --reading standardised-step-none-biases --shared 0.6 --seeds 0-1 --data {mnist} \
            --out {out}/step.csv
        search --reading unit-gradient-mean --study {out}/study.db --data {mnist} --out {out}/search.csv
        trajectories --data {mnist} --out {out}/trajectories.csv""",
    "dhp": """
        train --benchmark split --condition finetune-single --seeds 0-1 --data {mnist} --out {out}/single.csv
        train --benchmark split --condition dhp-ewc --seeds 0-1 --data {mnist} --out {out}/ewc.csv
        train --benchmark permuted --condition dhp --seeds 0-1 --data {mnist} --out {out}/permuted.csv \
            --plasticity {out}/plasticity.csv
        train --benchmark imbalanced --condition dhp-si --seeds 0-1 --data {mnist} --out {out}/imbalanced.csv
        train --benchmark vision --condition dhp-mas --seeds 0-1 --data {mnist} {cifar10} --out {out}/vision.csv
        train --benchmark split --condition dhp-mas-standardised-batch --seeds 0-1 --data {mnist} --out {out}/batch.csv
        tune --benchmark split --condition mas --value 1 --seeds 1000 --data {mnist} --out {out}/tuning.csv
        update --data {mnist} --out {out}/update.csv""",
    "dan": """
        meta_train --experiment regression --sharing network --seeds 0-1 --out {out}/network.pt
        meta_train --experiment regression --sharing layer --seeds 0-1 --out {out}/layer.pt
        meta_train --experiment regression --sharing none --seeds 0-1 --out {out}/none.pt
        deploy --seeds 0-1 --phenotypes {out}/network.pt --stages {out}/stages.csv --curves {out}/curves.csv \
            --predictions {out}/predictions.csv
        meta_train --experiment images --seeds 0-1 --omniglot {omniglot} --out {out}/images.pt
        deploy_images --condition both --seeds 0-1 --phenotypes {out}/images.pt --mnist {mnist} \
            --errors {out}/errors.csv --grids {out}/grids.npz
        diagram --out {out}/diagram.csv""",
    "tsar": "".join(
        f"""
        meta_train --condition {condition} --meta-learning-set rich --iterations 3 --seeds 0 --omniglot {{omniglot}} \
            --out {{out}}/{condition}_0.pt
        meta_train --condition {condition} --meta-learning-set rich --iterations 3 --seeds 1000 --omniglot {{omniglot}} \
            --out {{out}}/{condition}_1000.pt
        tune --condition {condition} --meta-learning-set rich --iterations 3 --seeds 1000 --images {{imagenet}} \
            --models {{out}}/{condition}_1000.pt --out {{out}}/tuning_{condition}.csv
        transfer --condition {condition} --meta-learning-set rich --iterations 3 --seeds 0 --images {{imagenet}} \
            --models {{out}}/{condition}_0.pt --tuning {{out}}/tuning_{condition}.csv --out {{out}}/{condition}.csv \
            {"--activity {out}/activity.npz" if condition == "grow" else ""}"""
        for condition in ("grow", "oml", "anml")
    )
    + """
        variants --condition grow --meta-learning-set rich --iterations 3 --seeds 0 --images {imagenet} \
            --models {out}/grow_0.pt --tuning {out}/tuning_grow.csv --out {out}/variants.csv \
            --activity {out}/variant_activity.npz --image-masks {out}/image_masks.npz
        omniglot --condition grow --meta-learning-set rich --iterations 3 --seeds 0 --images {omniglot} \
            --models {out}/grow_0.pt --tuning {out}/tuning_grow.csv --out {out}/omniglot_grow.csv
        omniglot --condition anml --meta-learning-set rich --iterations 3 --seeds 0 --images {omniglot} \
            --models {out}/anml_0.pt --tuning {out}/tuning_anml.csv --out {out}/omniglot_anml.csv""",
    "cross_benchmark": "".join(
        f"""
        tune --benchmark {benchmark} --optimizer {optimizer} --method {method} --data {{{data}}} \
            --study {{out}}/{method}.db --out {{out}}/{method}_search.csv
        train --benchmark {benchmark} --optimizer {optimizer} --method {method} --seeds 0-1 --data {{{data}}} \
            --search {{out}}/{method}_search.csv --out {{out}}/{method}.csv --cost {{out}}/not_compared/{method}_cost.csv"""
        for benchmark, optimizer, method, data in (
            ("permuted", "sgd", "sticky", "mnist"),
            ("imbalanced", "adam", "joint", "mnist"),
            ("split_domain", "adam", "dhp_si", "mnist"),
            ("cifar100", "sgd", "dhp_mas", "cifar100"),
        )
    ),
}
# And what does not.
NUMPY_STAGES = {
    "synaptic_intelligence": """
        landscapes --out {out}/landscapes.csv
        simulations --seeds 0-1 --out {out}/theory.csv""",
    "dhp": "imbalance --data {mnist} --out {out}/imbalance.csv",
}


def commands(paper: str, stages: dict[str, str] = STAGES) -> list[str]:
    """Return the commands of a paper, each a stage and its options."""
    return stages.get(paper, "").strip().splitlines()


def tiny(paper: str, command: str) -> list[str]:
    """Return the settings of a paper's tiny protocol that a command reads."""
    stage, *words = command.split()
    job = {option.removeprefix("--"): value for option, value in pairwise(words) if option.startswith("--")}
    read = register.of(paper).stages[stage].read_by(job)
    names = ((text, *text.partition("=")[0].partition(".")) for text in TINY[paper].split())
    return [text for text, section, _, key in names if section in read or f"{section}.{key}" in read]


def last_set(words: Iterable[str]) -> list[str]:
    """Return the words of a command line, of several --set of one setting the last alone."""
    words = list(words)
    pairs = enumerate(pairwise(words))
    found = [(index, text.partition("=")[0]) for index, (option, text) in pairs if option == "--set"]
    kept = {name: index for index, name in found}
    dropped = {index + more for index, name in found if kept[name] != index for more in (0, 1)}
    return [word for index, word in enumerate(words) if index not in dropped]


def stand_ins(root: Path) -> dict[str, Path]:
    """Make stand-ins for all data sets, whatever real data is at hand: name -> path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return {name: prepare.smoke(name, root=root) for name in SETS}


def run(paper: str, command: str, out: Path, data: dict[str, Path], device: str = "cpu") -> None:
    """Run a command of a paper with its tiny protocol; out: the folder that it writes to."""
    stage, *arguments = command.format(out=out, **data).split()
    overrides = [argument for override in tiny(paper, command) for argument in ("--set", override)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [stage, "--scale", "smoke", "--device", device, *arguments, *overrides])
        importlib.import_module(f"{register.of(paper).package}.{stage}").main()
