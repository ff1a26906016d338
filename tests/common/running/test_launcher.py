"""A stage ends with its Snakemake, as if it were killed, and one that a user started does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from common.running.checkpoints import Checkpoint
from common.running.code import ROOT

# It ends at once, or only after a minute.
STAGE = """
import pathlib, sys, time
from common.running import launcher
from common.running.checkpoints import Checkpoint
launcher.end_with_it(0.05)
saved = Checkpoint(sys.argv[1] + "/state.ckpt", "key")
saved.save({"step": 3})
pathlib.Path(sys.argv[1], "started").touch()
time.sleep(float(sys.argv[2]))
saved.delete()
pathlib.Path(sys.argv[1], "written").touch()
"""


@pytest.mark.parametrize(
    ("fate", "launched_by"), [("killed", "snakemake"), ("alive", "snakemake"), ("killed", "script")]
)
def test_a_stage_ends_with_the_snakemake_that_started_it(tmp_path, fate, launched_by):
    """Started as Snakemake starts it, through a shell, which lives on when Snakemake is killed."""
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / launched_by).write_text(
        "import subprocess, sys; subprocess.run(sys.argv[1], shell=True, executable='/bin/bash')"
    )
    ends = fate == "killed" and launched_by == "snakemake"
    seconds = 60 if ends else 0.3
    stage = (
        f"{sys.executable} {tmp_path}/stage.py {tmp_path} {seconds} > {tmp_path}/log 2>&1; echo $? > {tmp_path}/status"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, tmp_path / launched_by, stage], env=environment)

    def wait_for(name):
        end = time.monotonic() + 50
        while not ((tmp_path / name).exists() and (name != "status" or (tmp_path / name).read_text())):
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(0.02)

    wait_for("started")
    if fate == "killed":
        parent.kill()  # the shell and the stage go on
    wait_for("status")
    parent.wait()
    assert (tmp_path / "status").read_text().strip() == ("1" if ends else "0")
    assert (tmp_path / "written").exists() != ends
    assert ("Snakemake is gone" in (tmp_path / "log").read_text()) == ends
    assert (Checkpoint(tmp_path / "state.ckpt", "key").load() == {"step": 3}) == ends
