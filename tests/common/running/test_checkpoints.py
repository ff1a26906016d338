"""Checkpoints survive what a kill does to them, and are never resumed by other settings or code."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest
import torch

from common.running import checkpoints
from common.running.checkpoints import Checkpoint
from common.running.code import ROOT


def test_state_returns_bit_for_bit(tmp_path):
    generator = torch.Generator().manual_seed(3)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 3, generator=generator)).sum().backward()
    optimizer.step()
    rest = {"iteration": 7, "rows": [{"seed": 0, "loss": 0.1, "note": None}]}
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": generator.get_state()}
    Checkpoint(tmp_path / "state.pt", "key").save(states | rest)
    expected = torch.randn(5, generator=generator)
    state = Checkpoint(tmp_path / "state.pt", "key").load()
    generator.set_state(state["random"])
    assert torch.equal(torch.randn(5, generator=generator), expected)
    assert torch.equal(state["model"]["weight"], model.weight)
    fresh = torch.optim.Adam(torch.nn.Linear(3, 2).parameters())
    fresh.load_state_dict(state["optimizer"])
    assert torch.equal(fresh.state_dict()["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])
    assert {key: state[key] for key in rest} == rest


def test_an_absent_checkpoint_and_a_foreign_key_start_afresh(tmp_path, capsys):
    assert Checkpoint(tmp_path / "state.pt", "key").load() is None
    assert capsys.readouterr().out.count("\n") == 1
    Checkpoint(tmp_path / "state.pt", "one").save({"iteration": 1})
    other = Checkpoint(tmp_path / "state.pt", "other")
    assert other.load() is None
    assert "no checkpoint yet, only of another protocol or other code" in capsys.readouterr().out
    other.save({"iteration": 2})
    other.delete()
    assert Checkpoint(tmp_path / "state.pt", "one").load() == {"iteration": 1}
    Checkpoint(tmp_path / "state.pt", "one").path.rename(other.path)
    assert other.load() is None
    assert "belongs to another protocol or other code" in capsys.readouterr().out


PROGRAM = """
import resource, sys, torch
from common.running.checkpoints import Checkpoint
saved = Checkpoint(sys.argv[1], "key", interval_seconds=0)
saved.save({"step": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # as on a disk that is full
saved.interval_seconds = 60
saved.save({"step": 2, "weights": torch.zeros(100_000)})
print(saved.due(), saved.load())
"""


def test_a_checkpoint_that_cannot_be_written_ends_no_run_and_the_one_before_is_kept(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "state.ckpt")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].startswith("no checkpoint this time, the run goes on: cannot write state.")
    assert f"in the folder {tmp_path} (no room" in said[0] and "the file that was there before is kept" in said[0]
    assert said[-1] == "False {'step': 1}" and len(said) == 3
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("held", [0.0, 0.02, 0.3, 0.7, 0.9, 0.99, [1, 2], {"weights": torch.zeros(2)}, torch.zeros(3)])
def test_a_truncated_checkpoint_or_a_file_of_something_else_starts_afresh(tmp_path, capsys, held):
    """held: which share of a checkpoint the file has, or what else it has."""
    path = Checkpoint(tmp_path / "state.pt", "key").path
    if isinstance(held, float):
        Checkpoint(tmp_path / "state.pt", "key").save({"weights": torch.zeros(1000)})
        path.write_bytes(path.read_bytes()[: int(held * path.stat().st_size)])
    else:
        torch.save(held, path)
    assert Checkpoint(tmp_path / "state.pt", "key").load() is None
    output = capsys.readouterr().out
    assert "cannot be read" in output and output.count("\n") == 1


def test_a_small_view_does_not_save_its_whole_storage(tmp_path):
    large = torch.arange(1_000_000.0)
    Checkpoint(tmp_path / "state.pt", "key").save({"part": large[:10], "even": large[:20:2]})
    assert Checkpoint(tmp_path / "state.pt", "key").path.stat().st_size < 10_000
    assert Checkpoint(tmp_path / "state.pt", "key").load()["even"].tolist() == list(range(0, 20, 2))


def test_what_a_safe_load_would_refuse_is_refused_when_saving(tmp_path):
    for bad in (numpy.float64(1.0), object(), numpy.zeros(2)):
        with pytest.raises(TypeError, match=r"state\['rows'\]\[0\]"):
            Checkpoint(tmp_path / "state.pt", "key").save({"rows": [bad]})
    assert list(tmp_path.iterdir()) == []


def test_due_counts_from_the_last_save(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    saved = Checkpoint(tmp_path / "state.pt", "key", interval_seconds=60)
    assert not saved.due()
    now = 1060.0
    assert saved.due()
    saved.save({})
    assert not saved.due()


def test_what_a_killed_write_left_goes_and_nothing_else_and_a_checkpoint_is_deleted_once(tmp_path):
    def left(name):
        (tmp_path / name).write_bytes(b"half")
        return name

    saved = Checkpoint(tmp_path / "si-[0.1].ckpt", "key")
    stem = saved.path.stem
    others = {left(f".{stem}.csv"), left(".si-0.0123abcd.ckpt"), left(f".{stem}.x.0123abcd.ckpt")}
    for call in (saved.load, saved.delete):
        left(f".{stem}.0123abcd.ckpt")
        call()
        assert {path.name for path in tmp_path.iterdir()} == others
    saved.save({})
    assert saved.path.exists()
    saved.delete()
    saved.delete()
    assert {path.name for path in tmp_path.iterdir()} == others
