"""Phenotypes on disk (.pt): those of each seed, and what they were meta-trained with, so that no others are taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from common import protocol
from common.checkpoint import UNREADABLE
from common.records import atomic_write
from common.stage import TrainingError
from papers.dan.protocol import MetaTraining

OF_DEPLOYMENT = ("theta_optimizer", "theta_rate")  # settings that deployment may have otherwise than meta-training


def save(path: Path, origin: dict, by_seed: dict[int, list[Tensor]]) -> None:
    """Write the phenotypes of each seed; origin: experiment, sharing, condition, settings (as a dict) and data."""
    own = {str(seed): [tensor.cpu().clone() for tensor in phi] for seed, phi in by_seed.items()}
    with atomic_write(path) as temporary:
        torch.save({"origin": origin, "phenotypes": own}, temporary)


def load(
    path: Path, seeds: Sequence[int], settings: MetaTraining, **expected: str
) -> tuple[dict[int, list[Tensor]], dict]:
    """The phenotypes of each seed, and their origin.

    expected: of the origin, beside the settings. Raises TrainingError if the file cannot be read, was meta-trained with
    anything else, or lacks a seed.
    """
    by_seed, origin = _read(path)
    fixed = {key: value for key, value in protocol.as_dict(settings).items() if key not in OF_DEPLOYMENT}
    found = origin | origin["settings"]
    for key, value in (expected | fixed).items():
        if found.get(key) != value:
            raise TrainingError(f"{path} was meta-trained with {key} = {found.get(key)}, but {value} is to be deployed")
    if missing := [seed for seed in seeds if str(seed) not in by_seed]:
        raise TrainingError(f"{path} holds the seeds {', '.join(by_seed)}, but {missing[0]} was asked for")
    return {seed: by_seed[str(seed)] for seed in seeds}, origin


def _read(path: Path) -> tuple[dict, dict]:
    if not path.exists():
        raise TrainingError(f"{path} does not exist: papers.dan.meta_train writes it")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content["phenotypes"], content["origin"]
    except UNREADABLE:
        raise TrainingError(
            f"{path} is damaged, or old and does not say what it was meta-trained with: run papers.dan.meta_train again"
        ) from None
