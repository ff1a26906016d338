"""On a terminal a line for each job stands below Snakemake's output; elsewhere that output is what it was."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from common.running.code import ROOT

HEARTBEAT = "grow seed 0: 3/6, 1/s, 0:00:03 left, loss 0.5"
SNAKEMAKE = f"""
import logging, pathlib, subprocess, sys, time, types
from common.running import watch
watch.EVERY = 0.1
manager = types.SimpleNamespace(logger=logging.getLogger(), queue_listener=None)
manager.logger.addHandler(logging.StreamHandler())
log = pathlib.Path("logs/grow.log")
log.parent.mkdir()
code = "import time; print({HEARTBEAT!r}, flush=True); time.sleep(60)"
job = subprocess.Popen([sys.executable, "-c", code, "papers.tsar.meta_train"], stdout=log.open("w"))
while "left" not in log.read_text():
    time.sleep(0.01)
watch.start(manager)
manager.logger.warning("Job 3 of 5 is done")
time.sleep(1)
job.kill()
"""


def shown(folder, terminal):
    """Return what the process writes to its standard error: a terminal, or a pipe."""
    ours, its = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", SNAKEMAKE], stderr=its, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    os.close(its)
    text = b""
    try:
        while part := os.read(ours, 4096):
            text += part
    except OSError:  # the other end of a terminal is closed
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0
    return text.decode()


def test_a_line_for_each_job_renews_itself_below_the_output(tmp_path):
    before, _, after = shown(tmp_path, terminal=True).partition("Job 3 of 5 is done")
    assert after.count(HEARTBEAT) > 1, "it is written again below"
    assert before.count("\n") <= before.count("\x1b[2K") + 1, "and wiped before each line of the output"


def test_where_there_is_no_terminal_the_output_is_plain(tmp_path):
    assert shown(tmp_path, terminal=False) == "Job 3 of 5 is done\n"
