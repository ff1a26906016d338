"""Meta-learned models on disk (.pt): one for each seed, with what it was meta-learned as, so that no other is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from common import protocol, records
from common.checkpoint import UNREADABLE
from common.stage import TrainingError
from papers.tsar.model import Parameters
from papers.tsar.protocol import Protocol


def save(path: Path, treatment: str, condition: str, plan: Protocol, by_seed: dict[str, Parameters]) -> None:
    """Write the tensors of each seed's model, on the CPU, with their origin."""
    with records.atomic_write(path) as temporary:
        torch.save({"origin": _origin(treatment, condition, plan), "models": by_seed}, temporary)


def load(
    paths: Sequence[Path], seeds: Sequence[int], treatment: str, condition: str, plan: Protocol
) -> dict[int, Parameters | None]:
    """The meta-learned tensors of each seed; None for each seed of Scratch, which has no models.

    The files are mapped, not read: a model takes memory only once its tensors are used. Raises TrainingError if a file
    cannot be read or was meta-learned as anything else, and if a seed is missing.
    """
    if treatment == "scratch" and not paths:
        return dict.fromkeys(seeds)
    if not paths:
        raise TrainingError(f"{treatment} is meta-learned: give --models, the files that papers.tsar.meta_train saved")
    saved: dict[str, Parameters] = {}
    for path in paths:
        content = _read(path)
        for key, value in _origin(treatment, condition, plan).items():
            if (found := content["origin"].get(key)) != value:
                raise TrainingError(f"{path} was meta-learned with {key} = {found}, but {value} was asked for")
        saved |= content["models"]
    if missing := [seed for seed in seeds if str(seed) not in saved]:
        raise TrainingError(
            f"{', '.join(map(str, paths))} hold the models of seeds {', '.join(saved)}, but {missing[0]} was asked for"
        )
    return {seed: saved[str(seed)] for seed in seeds}


def sources(paths: Sequence[Path]) -> tuple[list[dict], list[dict]]:
    """The data sets that the models were meta-learned on, and the commits that did it, each without repetitions."""
    provenances = [records.read_provenance(path.with_suffix(".json")) for path in paths]
    abouts = [about for provenance in provenances for about in provenance["data"]]
    commits = [provenance["git"] for provenance in provenances]
    return _distinct(abouts), _distinct(commits)


def _origin(treatment: str, condition: str, plan: Protocol) -> dict:
    """What a model is meta-learned as: treatment, condition, widths and the settings of meta-learning."""
    settings = protocol.as_dict(plan.network) | protocol.as_dict(plan.meta_learning)
    return {"treatment": treatment, "condition": condition, **settings}


def _read(path: Path) -> dict:
    if not path.exists():
        raise TrainingError(f"{path} does not exist: papers.tsar.meta_train writes it")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return {"origin": content["origin"], "models": content["models"]}
    except UNREADABLE:
        raise TrainingError(
            f"{path} is damaged, or old and does not say what it was meta-learned as: run papers.tsar.meta_train again"
        ) from None


def _distinct(values: list[dict]) -> list[dict]:
    return [value for i, value in enumerate(values) if value not in values[:i]]
