"""Calls that stop in time end with the tables of one that does not; and what a CUDA graph would replay is what is written."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import time

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks import tsar_gpu
from common.learning import cuda_graph
from common.learning.cuda_graph import Replay
from common.running.stage import TrainingError
from papers.tsar import data, meta_train, sequence
from tests.papers.tsar import conftest
from tests.papers.tsar.small import SMOKE

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
stand_ins = conftest.stand_ins
DEVICES = ["cpu", pytest.param("cuda", marks=needs_gpu)]


@pytest.fixture
def call(monkeypatch, capsys, stand_ins, tmp_path):
    """Calls the command for Grow at smoke scale, and returns the last line: call(folder, minutes, *further_arguments)."""

    def run(folder, minutes, *more):
        files = [f"--{name}={stand_ins / name}.npz" for name in ("omniglot", "imagenet")]
        folders = [f"--out={tmp_path / folder / 'out'}", f"--checkpoints={tmp_path / folder / 'kept'}"]
        grow = ["--conditions", "grow", "--scale", "smoke", "--device", "cpu", "--minutes", str(minutes)]
        monkeypatch.setattr(sys, "argv", ["tsar_gpu", *grow, *files, *folders, *more])
        tsar_gpu.main()
        return capsys.readouterr().out.splitlines()[-1]

    return run


def here(monkeypatch, *stages):
    """Lets these stages run in this process, which is sooner, and without a limit."""
    original = tsar_gpu.run

    def run(name, command, *limits):
        if name.split()[0] not in stages:
            return original(name, command, *limits)
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        importlib.import_module(command[0]).main()
        return True

    monkeypatch.setattr(tsar_gpu, "run", run)


def contents(folder, ending):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(f"*.{ending}")}


@pytest.mark.slow
def test_a_call_that_stops_in_time_and_one_that_goes_on_end_as_one_long_call(call, tmp_path, monkeypatch):
    assert call("two", 0).endswith("The next call: go on with meta_train of grow after 12.")
    assert not (tmp_path / "two/out").exists()
    (kept,) = (tmp_path / "two/kept").glob("grow_seed0.*.ckpt")
    (state,) = torch.load(kept, weights_only=True)["state"].values()
    assert state["iteration"] == 1
    stages = ", ".join(f"{name} of grow after 12" for name in ("meta_train", "tune", "transfer"))
    here(monkeypatch, "tune")
    assert call("two", 9).startswith(f"Done: {stages} (")
    here(monkeypatch, "meta_train", "transfer")
    assert call("one", 9).endswith("The next call: nothing: all is done.")
    one, two = (contents(tmp_path / folder / "out", "csv") for folder in ("one", "two"))
    assert one == two and len(one) == 5
    everything = contents(tmp_path / "two/out", "*")
    arrays = set(contents(tmp_path / "two/out", "npz"))
    assert len(arrays) == 1
    assert set(everything) == set(one) | arrays | {f"{name[:-3]}json" for name in {*one, *arrays}}
    assert list(contents(tmp_path / "two/kept", "pt")) == ["results/smoke/tsar/meta/grow_rich_after12/seeds0-0.pt"]
    assert f"({sum(map(len, everything.values()))} bytes" in call("two", 9) and not contents(tmp_path / "two", "ckpt")


def test_what_is_copied_is_small_and_models_lie_elsewhere(call, tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("0123456789")
    monkeypatch.setattr(tsar_gpu, "MOST", 9)
    with pytest.raises(TrainingError, match="are 10 bytes, more than 9: --out stays empty"):
        tsar_gpu.collect(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit):
        call("out", 9, f"--checkpoints={tmp_path / 'out/out/kept'}")


def test_meta_learning_leaves_time_for_two_saves(stand_ins):
    images = data.omniglot(stand_ins / "omniglot.npz", torch.device("cpu"))
    learner = meta_train.MetaLearner("oml", "rich", 0, images, SMOKE)
    learner.saving = 100.0
    for seconds, reached in ((190, 0), (1000, 3)):
        meta_train.train(learner, 3, {}, None, time.monotonic() + seconds)
        assert learner.iteration == reached


def test_a_stage_that_fails_is_named_with_what_it_said(call):
    with pytest.raises(
        TrainingError, match="meta_train of grow after 12 ended with status 1: error: there is no data set"
    ):
        call("failed", 9, "--omniglot=missing.npz")


class Recording(TorchDispatchMode):
    """All operations on tensors, those of backward too, to be repeated on the same memory: a CUDA graph on a CPU."""

    def __init__(self):
        super().__init__()
        self.operations, self.replays = [], 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        assert operation is not torch.ops.aten._local_scalar_dense.default, "a GPU cannot wait while it is recorded"
        result = operation(*args, **(kwargs or {}))
        self.operations.append((operation, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def replay(self):
        """Repeat all but for the first time: other than a GPU, the recording has computed."""
        self.replays += 1
        for operation, args, kwargs, result in self.operations if self.replays > 1 else ():
            for old, new in zip(tree_leaves(result), tree_leaves(operation(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


@pytest.fixture
def recordings(monkeypatch):
    """Lets recordings on a CPU be such lists; returns those that were made."""
    made, on_gpu = [], cuda_graph.record

    def record(function, argument):
        if argument.is_cuda:
            return on_gpu(function, argument)
        made.append(Recording())
        with made[-1]:
            result = function(argument)
        return made[-1].replay, result

    monkeypatch.setattr(cuda_graph, "record", record)
    return made


def check(replayed, written, device):
    """To the bit on a CPU; a GPU adds up in another order."""
    tolerance = {"rtol": 0, "atol": 0} if device == "cpu" else {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(replayed, written, **tolerance)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("condition", ["grow", "oml"])
def test_replayed_iterations_and_transfer_steps_are_those_as_written(
    condition, device, stand_ins, recordings, monkeypatch
):
    omniglot, imagenet = (
        read(stand_ins / f"{name}.npz", torch.device(device))
        for name, read in (("omniglot", data.omniglot), ("imagenet", data.photographs))
    )
    few = dataclasses.replace(SMOKE.transfer, classes=5, recall_after=(1, 5))
    found = []
    for replay in (Replay, lambda: lambda function, argument: function(argument)):
        for module in (meta_train, sequence):
            monkeypatch.setattr(module, "replay_on", lambda device, replay=replay: replay())
        learner = meta_train.MetaLearner(condition, "rich", 0, omniglot, SMOKE)
        for _ in range(6):
            learner.step()
        learned = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
        order = sequence.drawn(imagenet, few, 0, torch.arange(len(imagenet.labels)))
        measured = sequence.learn_in_sequence(learner.network, imagenet, order, (1, 5), -2.0, 1e-3, 0, "test")
        rows = [row["value"] for row in learner.log]
        found.append((learned, learner.network.state_dict(), rows, measured.curve))
    check(*found, device)
    assert [made.replays for made in recordings] == ([5, 9] if device == "cpu" else [])
