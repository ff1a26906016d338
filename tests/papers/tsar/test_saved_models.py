"""Models on disk are taken only as what they were meta-learned as, and errors are one sentence."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from common.running.stage import TrainingError
from papers.tsar.saved_models import load, origin_of, save
from tests.papers.tsar.small import SMOKE


def test_models_are_taken_only_as_what_they_were_meta_learned_as(tmp_path):
    path, origin = tmp_path / "sculpt.pt", origin_of("sculpt", "rich", 12, SMOKE)
    save(path, origin, {"0": {"weight": torch.ones(2)}})
    assert load([path], [0], origin)[0]["weight"].tolist() == [1, 1]
    with pytest.raises(TrainingError, match="seeds 0, but 1000 was asked for"):
        load([path], [1000], origin)
    narrow = dataclasses.replace(SMOKE, network=dataclasses.replace(SMOKE.network, channels=4))
    slower = dataclasses.replace(
        SMOKE, meta_learning=dataclasses.replace(SMOKE.meta_learning, outer_learning_rate=1e-4)
    )
    for condition, meta_learning_set, iterations, protocol, difference in (
        ("grow", "rich", 12, SMOKE, "condition = sculpt, but grow"),
        ("scratch", "rich", 0, SMOKE, "condition = sculpt, but scratch"),
        ("sculpt", "scarce", 12, SMOKE, "meta_learning_set = rich, but scarce"),
        ("sculpt", "rich", 12, narrow, "channels = 8, but 4"),
        ("sculpt", "rich", 12, slower, "outer_learning_rate = 0.001, but 0.0001"),
        ("sculpt", "rich", 6, SMOKE, "iterations = 12, but 6"),
    ):
        with pytest.raises(TrainingError, match=f"sculpt.pt was meta-learned with {difference} was asked for"):
            load([path], [0], origin_of(condition, meta_learning_set, iterations, protocol))


def test_models_that_are_missing_or_old_give_one_sentence(tmp_path):
    for untrained in ("scratch", "grow"):
        assert load([], [0, 1], origin_of(untrained, "rich", 0, SMOKE)) == {0: None, 1: None}
    origin = origin_of("grow", "rich", 12, SMOKE)
    with pytest.raises(TrainingError, match="grow is meta-learned: give --models"):
        load([], [0], origin)
    with pytest.raises(TrainingError, match="none.pt does not exist: papers.tsar.meta_train writes it"):
        load([tmp_path / "none.pt"], [0], origin)
    torch.save({"0": {"weight": torch.ones(2)}}, tmp_path / "old.pt")
    (tmp_path / "torn.pt").write_bytes((tmp_path / "old.pt").read_bytes()[:300])
    for name in ("old.pt", "torn.pt"):
        with pytest.raises(TrainingError, match=f"{name} is damaged, or old .* run papers.tsar.meta_train again"):
            load([tmp_path / name], [0], origin)
