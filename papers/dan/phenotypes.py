"""Phenotypes on disk (.pt): the last ones of each seed, and what they were meta-trained with, so that no others are taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from common.data.files import atomic_write
from common.running.checkpoints import UNREADABLE
from common.running.stage import TrainingError
from papers.dan.protocol import MetaTraining

OF_DEPLOYMENT = ("theta_optimizer", "theta_rate")  # settings that deployment may have otherwise than meta-training
KEPT = 100  # of how many sequences of meta-training, the last ones, phenotypes are kept


def save(path: Path, origin: dict, by_seed: dict[int, list[Tensor]]) -> None:
    """Write the phenotypes of each seed, [n, ...] after each of the last n sequences of meta-training.

    origin: experiment, sharing, condition, settings (as a dict), data, and where seeds diverged, if any did.
    """
    own = {str(seed): [tensor.cpu().clone() for tensor in phi] for seed, phi in by_seed.items()}
    with atomic_write(path) as temporary:
        torch.save({"origin": origin, "latest": own}, temporary)


def load(
    path: Path, seeds: Sequence[int], settings: MetaTraining, averaged: int = 1, **expected: str
) -> tuple[dict[int, list[Tensor]], dict]:
    """Return the phenotypes of each seed that did not diverge, and their origin.

    averaged: how many of the last phenotypes they are the mean of; expected: what the origin must have beside the
    settings. Raises TrainingError if the file cannot be read, was meta-trained with anything else, lacks a seed, has none
    that did not diverge, or holds fewer phenotypes.
    """
    by_seed, origin = _read(path)
    fixed = {key: value for key, value in dataclasses.asdict(settings).items() if key not in OF_DEPLOYMENT}
    defaults = {key.name: key.default for key in dataclasses.fields(settings)}
    given = defaults | origin | origin["settings"]
    for key, value in (expected | fixed).items():
        if given.get(key) != value:
            raise TrainingError(f"{path} was meta-trained with {key} = {given.get(key)}, but {value} is to be deployed")
    lost = origin.get("diverged", {})
    if missing := [seed for seed in seeds if str(seed) not in {*by_seed, *lost}]:
        raise TrainingError(f"{path} holds the seeds {', '.join(by_seed)}, but {missing[0]} was asked for")
    seeds = [seed for seed in seeds if str(seed) in by_seed]
    if not seeds:
        raise TrainingError(f"{path}: all seeds that were asked for diverged in meta-training")
    if averaged > (kept := len(by_seed[str(seeds[0])][0])):
        raise TrainingError(
            f"{path} holds the last {kept} phenotypes of meta-training, but the mean of {averaged} is to be deployed: lower "
            "averaged in the section design of the protocol"
        )
    return {seed: [tensor[-averaged:].mean(0) for tensor in by_seed[str(seed)]] for seed in seeds}, origin


def diverged(origin: dict, seeds: Sequence[int]) -> list[dict]:
    """Return those of the seeds that diverged in meta-training, for the record of what is then without them."""
    run = {key: origin[key] for key in ("experiment", "sharing", "condition")}
    run["n_channels"] = origin["settings"]["n_channels"]
    points = {int(seed): point for seed, point in origin.get("diverged", {}).items()}
    return [run | {"seed": seed, "at": points[seed]} for seed in seeds if seed in points]


def _read(path: Path) -> tuple[dict, dict]:
    """Return the phenotypes of a file by seed, and their origin."""
    if not path.exists():
        raise TrainingError(f"{path} does not exist: papers.dan.meta_train writes it")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content["latest"], content["origin"]
    except UNREADABLE:
        raise TrainingError(
            f"{path} is damaged, or old and does not say what it was meta-trained with: run papers.dan.meta_train again"
        ) from None
