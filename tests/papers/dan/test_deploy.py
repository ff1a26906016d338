"""Deployment on held-out functions: what moves, what is measured where, and who is left out."""

from __future__ import annotations

import numpy
import pytest
import torch

from common.results import records, tables
from common.running import stage
from papers.dan import data, deploy, meta_train, sequences
from papers.dan.method import learn_sequence
from papers.dan.model import build, initial_synapses, random_phenotypes
from papers.dan.protocol import NETWORKS
from papers.dan.runs import ON_FUNCTIONS
from tests.papers.dan.small import CPU, REGRESSION, SMOKE, call, equal

# Mean loss after all sub-tasks.
FINAL = {"net0": 2.22370, "net1": 0.710105, "net2": 1.77306, "net3": 1.53933, "net4": 2.69587, "net5": 0.997696}


@pytest.mark.parametrize("plastic", [False, True])
def test_in_deployment_synapses_move_and_phenotypes_only_if_plastic(plastic):
    network = build(REGRESSION, "none")
    theta, phi = initial_synapses(network, [0]), random_phenotypes(network, [0])
    before = [tensor.clone() for tensor in theta], [tensor.clone() for tensor in phi]
    sources = [torch.Generator().manual_seed(0)]
    seen = []
    learn_sequence(network, theta, phi, data.functions(REGRESSION)(sources), REGRESSION, plastic, seen.append)
    assert not any(torch.equal(now, then) for now, then in zip(theta, before[0], strict=True))
    assert equal(phi, before[1]) != plastic
    assert seen == list(range(21))


def test_held_out_functions_are_the_same_for_all_and_not_those_of_meta_training():
    first, second = (deploy.HeldOut(REGRESSION, SMOKE.design, CPU) for _ in range(2))
    assert torch.equal(first.targets, second.targets) and torch.equal(first.batch.inputs, second.batch.inputs)
    trained = data.functions(REGRESSION)(sequences.generators([0, 1], REGRESSION.population, "meta-training"))
    assert not any(torch.equal(row, own) for row in first.batch.targets for own in trained.targets)
    assert first.grid.shape == (4, 100, 1)
    by_task = first.grid[0, :, 0].view(5, 20)
    assert by_task[:, 0].tolist() == pytest.approx([-4.95, -2.95, -0.95, 1.05, 3.05])
    assert first.variances[2] == pytest.approx(first.targets[2].var().item())


def on_functions():
    """The held-out functions, and a network for them with its theta and phi, the same for each."""
    held_out, network = deploy.HeldOut(REGRESSION, SMOKE.design, CPU), build(REGRESSION, "network")
    theta, phi = (
        [tensor.repeat_interleave(SMOKE.design.functions, 0) for tensor in made]
        for made in (initial_synapses(network, [0]), random_phenotypes(network, [0]))
    )
    return held_out, network, theta, phi


def six_digits(value):
    """What a table holds of a value: rounding to six digits changes it by five millionths at most."""
    return pytest.approx(value.item(), rel=6e-6)


def test_losses_are_measured_where_they_should_be():
    """A network that answers 0 to everything has, on each sub-task, the mean square of the target."""
    held_out, network, theta, phi = on_functions()
    count = SMOKE.design.functions
    phi = [torch.zeros_like(tensor) for tensor in phi]
    measured = deploy.Measured(held_out)
    for update in (0, 1, 4, 10, 20):
        measured.observe(network, theta, phi, {"network": "net0", "seed": 0}, update)
    expected = held_out.targets.view(count, 5, 20).square().mean(2)
    stages = {(row["function"], row["after"], row["task"]): row["loss"] for row in measured.stages}
    assert len(stages) == count * 3 * 5
    assert stages[2, 1, 4] == six_digits(expected[2, 3])
    curves = {(row["update"], row["quantity"]): row for row in measured.curves}
    assert set(curves) == {(0, "total"), *((u, q) for u in (4, 10, 20) for q in ("total", "memory"))}
    assert curves[20, "memory"]["mean"] == curves[20, "total"]["mean"] == six_digits(expected.mean())
    assert curves[10, "memory"]["mean"] == six_digits((expected[:, :2].sum(1) + expected[:, 2] / 2).mean() / 2.5)
    assert curves[4, "memory"]["sd"] == six_digits(expected[:, 0].std())
    assert {row["after"] for row in measured.predictions} == {1, 5}


def test_a_loss_in_deployment_that_is_not_finite_names_network_seed_and_update():
    held_out, network, theta, phi = on_functions()
    phi[0][1].fill_(float("nan"))
    with pytest.raises(stage.TrainingError, match="net0, seed 3, is not finite after 20 updates; lower theta_rate"):
        deploy.Measured(held_out).observe(network, theta, phi, {"network": "net0", "seed": 3}, 20)


@pytest.fixture
def deployed(tmp_path, monkeypatch):
    """Deploys the phenotypes of seeds 0 and 1; returns the paths of the tables, by name."""

    def run():
        paths = {name: tmp_path / f"{name}.csv" for name in ("stages", "curves", "predictions")}
        options = " ".join(f"--{name} {path}" for name, path in paths.items())
        short = "--set regression.sequences=1 --set design.functions=2 --set design.shown_functions=1"
        call(monkeypatch, deploy, f"--seeds 0-1 --phenotypes {tmp_path}/a.pt {options} {short}")
        return paths

    command = f"--experiment regression --seeds 0-1 --out {tmp_path}/a.pt --set regression.sequences=1"
    with monkeypatch.context() as patch:
        call(patch, meta_train, command)
    return run


def test_from_the_command_line(deployed):
    paths = deployed()
    stages, record = tables.read(paths["stages"]), records.read(paths["curves"].with_suffix(".json"))
    assert len(stages) == len(NETWORKS) * 2 * 2 * 6 * 5  # seeds, functions, borders, sub-tasks
    assert set(record["protocol"]["design"]) == set(ON_FUNCTIONS)
    assert record["stage"] == "deploy" and record["measured"]["meta_training"]["settings"]["sequences"] == 1
    assert record["measured"]["meta_training"]["condition"] == "memory"
    start = stages[(stages["after"] == 0) & (stages["seed"] == 0)].pivot(
        index=["function", "task"], columns="network", values="loss"
    )
    assert (start["net2"] == start["net3"]).all() and (start["net0"] == start["net1"]).all()
    assert not numpy.allclose(start["net0"], start["net2"])
    final = stages[stages["after"] == 5].groupby("network")["loss"].mean()
    assert final.to_dict() == pytest.approx(FINAL, rel=1e-4)


def test_a_seed_that_diverged_in_meta_training_is_left_out_of_all_tables_and_named(deployed, tmp_path):
    content = torch.load(tmp_path / "a.pt")
    del content["latest"]["1"]
    content["origin"]["diverged"] = {"1": "sequence 1"}
    torch.save(content, tmp_path / "a.pt")
    run = {"experiment": "regression", "sharing": "network", "condition": "memory", "n_channels": 8}
    for path in deployed().values():
        record = records.read(path.with_suffix(".json"))
        assert set(tables.read(path)["seed"]) == {0} and record["seeds"] == [0, 1]
        assert record["diverged"] == [run | {"seed": 1, "at": "sequence 1"}]
