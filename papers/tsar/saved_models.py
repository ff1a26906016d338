"""Meta-learned models on disk (.pt): one for each seed, with what it was meta-learned as, so that no other is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from common.data.files import atomic_write
from common.results import records
from common.running import protocols
from common.running.checkpoints import UNREADABLE
from common.running.protocols import Settings
from common.running.stage import TrainingError
from papers.tsar.network import Parameters
from papers.tsar.protocol import Protocol


class Ancestry(NamedTuple):
    """Where models come from: the data sets and commits that they were meta-learned with, and when that began."""

    data: list[dict]
    commits: list[dict]
    started: list[str]


def origin_of(condition: str, meta_learning_set: str, iterations: int, settings: Protocol | Settings) -> dict:
    """Return what a model is meta-learned as; settings: with the sections network and, if that was any, meta_learning."""
    meta_learning = {} if iterations == 0 else protocols.as_dict(settings.meta_learning)
    names = {"condition": condition, "meta_learning_set": meta_learning_set, "iterations": iterations}
    return names | protocols.as_dict(settings.network) | meta_learning


def save(path: Path, origin: dict, models: dict[str, Parameters]) -> None:
    """Write the tensors of each seed's model, on the CPU, with their origin."""
    on_cpu = {seed: {name: tensor.cpu() for name, tensor in model.items()} for seed, model in models.items()}
    with atomic_write(path) as temporary:
        torch.save({"origin": origin, "models": on_cpu}, temporary)


def load(paths: Sequence[Path], seeds: Sequence[int], origin: dict) -> dict[int, Parameters | None]:
    """Return the meta-learned tensors of each seed; None for each seed after 0 iterations, where there are no models.

    The files are mapped, not read: a model takes memory only once its tensors are used. Raises TrainingError if a file
    cannot be read or has another origin, and if a seed is missing.
    """
    if origin["iterations"] == 0 and not paths:
        return dict.fromkeys(seeds)
    if not paths:
        raise TrainingError(
            f"{origin['condition']} is meta-learned: give --models, the files that papers.tsar.meta_train saved"
        )
    models: dict[str, Parameters] = {}
    for path in paths:
        content = _read(path)
        for key, value in origin.items():
            if (saved := content["origin"].get(key)) != value:
                raise TrainingError(f"{path} was meta-learned with {key} = {saved}, but {value} was asked for")
        models |= content["models"]
    if missing := [seed for seed in seeds if str(seed) not in models]:
        raise TrainingError(
            f"{', '.join(map(str, paths))} hold the models of seeds {', '.join(models)}, but {missing[0]} was asked for"
        )
    return {seed: models[str(seed)] for seed in seeds}


def ancestry(paths: Sequence[Path]) -> Ancestry:
    """Return where the models in these files come from, each data set and commit only once."""
    if not paths:
        return Ancestry([], [], [])
    read = {str(path): records.read(path.with_suffix(".json")) for path in paths}
    merged = records.merge(read)
    return Ancestry(merged["data"], merged["commits"], [record["started"] for record in read.values()])


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
