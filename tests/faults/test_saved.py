"""Models, checkpoints and studies that are not what was saved."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest
import torch

from common.learning import search
from common.results import records
from common.running import register, stage
from common.running.checkpoints import Checkpoint
from papers.dan import phenotypes
from papers.tsar import saved_models
from tests.faults.conftest import Fault
from tests.faults.test_data import damage
from tests.faults.test_results import RECORD
from tests.papers.dan.small import SMOKE as DAN
from tests.papers.tsar.small import SMOKE as TSAR

ORIGIN = saved_models.origin_of("grow", "rich", 12, TSAR)
MODELS = {  # how each paper saves and loads its models
    "dan": (
        partial(
            phenotypes.save, origin={"experiment": "regression", "settings": {}}, by_seed={0: [torch.ones(2, 300)]}
        ),
        lambda path: phenotypes.load(path, [0], DAN.regression, experiment="regression"),
    ),
    "tsar": (
        partial(saved_models.save, origin=ORIGIN, models={"0": {"weight": torch.arange(600.0)}}),
        lambda path: saved_models.load([path], [0], ORIGIN),
    ),
}


@pytest.mark.parametrize("paper", MODELS)
def test_models_that_are_not_what_was_saved_are_refused_by_name(tmp_path, all_refused, paper):
    """With a record by its checksum, when a job that reads them begins; an old one without at least if nothing can be read."""
    save, load = MODELS[paper]
    save(whole := tmp_path / "whole.pt")
    content = whole.read_bytes()
    bytes_changed = {
        f"byte {place} of {len(content)}": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        for place in range(60, len(content), len(content) // 12)
    }
    faults, job = [], argparse.Namespace(scale="smoke", set=[], device="cpu", matmul_precision="highest")
    for number, (fault, damaged) in enumerate((damage(whole) | bytes_changed).items()):
        path = tmp_path / f"{number}.pt"
        path.write_bytes(content)
        records.write(path.with_suffix(".json"), RECORD)
        path.write_bytes(damaged)
        begin = partial(stage.Job, register.of(paper), "absent", argparse.Namespace(**vars(job), models=[path]), {})
        faults.append(Fault(fault, begin, (str(path), "changed after it was written")))
        if fault not in bytes_changed:
            shutil.copy(path, bare := tmp_path / f"bare{number}.pt")
            faults.append(Fault(f"{fault}, without a record", partial(load, bare), (str(bare),)))
    for fault, held in {"a tensor": torch.ones(2), "a list": [1], "no origin": {"models": {}, "latest": {}}}.items():
        torch.save(held, path := tmp_path / f"{fault}.pt")
        faults.append(Fault(fault, partial(load, path), (str(path),)))
    for path in (tmp_path / "gone.pt", tmp_path):
        faults.append(Fault(path.name, partial(load, path), (str(path),)))
    all_refused(faults)


def test_a_checkpoint_that_is_not_what_was_saved_is_named_and_not_resumed(tmp_path, capsys):
    """It is no user's input, so the run begins anew in place of an error."""
    checkpoint = Checkpoint(tmp_path / "state.ckpt", "key")
    checkpoint.save({"weights": torch.arange(1000.0)})
    whole = checkpoint.path.read_bytes()
    for name, damaged in (damage(checkpoint.path) | {"a pickle": b"\x80\x02N."}).items():
        checkpoint.path.write_bytes(damaged)
        assert checkpoint.load() is None, name
        said = capsys.readouterr().out
        assert said.startswith(str(checkpoint.path)) and "starting from the beginning" in said and said.count("\n") == 1
    checkpoint.path.write_bytes(whole)
    assert checkpoint.load() is not None


def test_a_study_that_is_damaged_or_held_is_one_line(tmp_path, all_refused):
    def opened(path: Path) -> None:
        with search.alone(path):
            study = search.optuna.create_study(
                storage=f"sqlite:///{path}?timeout=0.1", study_name="a", load_if_exists=True
            )
            study.get_trials()

    opened(whole := tmp_path / "whole.db")
    faults = []
    for number, (fault, damaged) in enumerate(damage(whole).items()):
        (path := tmp_path / f"{number}.db").write_bytes(damaged)
        if fault != "0 bytes":  # which SQLite takes for a new study, as none of its trials is lost
            faults.append(Fault(fault, partial(opened, path), (str(path), "delete it")))
    (other := tmp_path / "other.db").unlink(missing_ok=True)
    with sqlite3.connect(other) as connection:
        connection.execute("create table studies (name text)")
    connection.close()
    held = sqlite3.connect(whole, isolation_level=None)
    held.execute("begin exclusive")
    faults += [Fault(path.stem, partial(opened, path), (str(path),)) for path in (other, whole)]
    (folder := tmp_path / "folder.db").mkdir()
    faults.append(Fault("a folder", partial(opened, folder), (str(folder),)))
    all_refused(faults)
    held.close()


def test_a_second_search_waits_for_the_first(tmp_path, capsys):
    order = []

    def second() -> None:
        with search.alone(tmp_path / "study.db"):
            order.append("second")

    waiting = threading.Thread(target=second)
    with search.alone(tmp_path / "study.db"):
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    assert capsys.readouterr().out == f"{tmp_path}/study.db: another search is at this study; waiting for its end\n"
