"""Deployment on digits: what is pictured and measured, and who is left out."""

from __future__ import annotations

import pytest
import torch

from common.results import records, tables
from common.running import stage
from papers.dan import deploy_images, meta_train, sequences
from papers.dan.model import initial_synapses, random_phenotypes
from tests.papers.dan.small import IMAGES, call, tiny_sets

FINAL = [0.0859023, 0.376620]  # mean error of all digits after the last: meta-trained, random


def test_a_picture_is_the_first_image_of_its_digit():
    batch = sequences.image_sequence(IMAGES, torch.arange(6.0).view(1, 3, 2, 1).expand(1, 3, 2, 36))
    seen = deploy_images.Reconstructions(IMAGES, "both", [0], batch)
    values = {row["digit"]: row["value"] for row in seen.grids}
    assert values == {0: 0, 1: 2, 2: 4}
    assert seen.pictured == {1: "first", 3: "half", 9: "all"} and seen.measured == {0, 1, 3, 6, 9}


@pytest.fixture
def deployed(tmp_path, monkeypatch):
    """Deploys phenotypes of seeds 0 and 1 on tiny sets; returns the paths of errors and grids."""
    tiny_sets(tmp_path)

    def run(condition="random"):
        paths = tmp_path / f"errors_{condition}.csv", tmp_path / f"grids_{condition}.csv"
        trained = "" if condition == "random" else f"--phenotypes {tmp_path}/a.pt"
        options = f"--mnist {tmp_path}/mnist.npz --errors {paths[0]} --grids {paths[1]} --set images.sequences=1"
        call(monkeypatch, deploy_images, f"--condition {condition} --seeds 0-1 {trained} {options}")
        return paths

    return run


def meta_trained(monkeypatch, folder, infinite=()):
    """Meta-train phenotypes of seeds 0 and 1 on one sequence; infinite: seeds that start with infinite synapses."""

    def synapses(network, seeds, members=1):
        theta = initial_synapses(network, seeds, members)
        for seed in infinite:
            theta[0][seed * members : (seed + 1) * members] = float("inf")
        return theta

    options = f"--omniglot {folder}/omniglot.npz --out {folder}/a.pt --set images.sequences=1"
    with monkeypatch.context() as patch:
        patch.setattr(meta_train, "initial_synapses", synapses)
        call(patch, meta_train, f"--experiment images --seeds 0-1 {options}")


def test_from_the_command_line(deployed, monkeypatch, tmp_path):
    meta_trained(monkeypatch, tmp_path)
    (of_errors, of_grids), (of_random, _) = deployed("both"), deployed("random")
    errors, random, grids = tables.read(of_errors), tables.read(of_random), tables.read(of_grids)
    steps = [0, 1, *range(4, 41, 4)]
    assert sorted(set(errors["step"])) == steps and len(errors) == 2 * len(steps) * 10
    assert set(grids["shown"]) == {"original", "first", "half", "all"} and len(grids) == 2 * 4 * 10 * 14 * 14
    final = [table.loc[table["step"] == 40, "loss"].mean() for table in (errors, random)]
    assert final == pytest.approx(FINAL, rel=1e-4)
    record = records.read(of_grids.with_suffix(".json"))
    assert [about["name"] for about in record["data"]] == ["mnist", "omniglot"]
    assert record["measured"]["meta_training"]["settings"]["sequences"] == 1


def test_a_seed_that_diverged_in_meta_training_is_left_out_of_all_tables_and_named(deployed, monkeypatch, tmp_path):
    meta_trained(monkeypatch, tmp_path, infinite=[1])
    run = {"experiment": "images", "sharing": "layer", "condition": "both", "n_channels": 25}
    for path in (tmp_path / "a.csv", *deployed("both")):
        record = records.read(path.with_suffix(".json"))
        assert set(tables.read(path)["seed"]) == {0} and record["seeds"] == [0, 1]
        assert record["diverged"] == [run | {"seed": 1, "at": "sequence 1"}]


def test_a_seed_that_diverges_in_deployment_is_left_out_and_named(deployed, monkeypatch):
    lost = [1]

    def infinite(network, seeds):
        phi = random_phenotypes(network, seeds)
        for place in lost:
            phi[0][place].fill_(float("inf"))
        return phi

    monkeypatch.setattr(deploy_images, "random_phenotypes", infinite)
    for path in deployed():
        assert set(tables.read(path)["seed"]) == {0}
        assert records.read(path.with_suffix(".json"))["diverged"] == [
            {"experiment": "images", "condition": "random", "seed": 1, "at": "step 0 of deployment"}
        ]
    lost.append(0)
    with pytest.raises(stage.TrainingError, match="errors of all seeds are not finite by step 0; lower theta_rate"):
        deployed()


def test_only_random_phenotypes_are_not_given(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, deploy_images, "--condition both --seeds 0 --mnist m.npz --errors e.csv --grids g.csv")
    assert "--phenotypes goes with" in capsys.readouterr().err
