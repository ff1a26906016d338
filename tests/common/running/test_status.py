"""`make status` shows the jobs that run here, each with the last line of its log, and no others."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest

from common.running import status

LINES = "print('Device: cpu', flush=True); print('grow seed 0: 3/6, 1/s, 0:00:03 left, loss 0.5', flush=True)"
WAIT = "; import time; time.sleep(60)"


@pytest.fixture
def start(tmp_path):
    """Starts a process with this code, its output in a log, and waits until it has written; name: as in its command."""
    with contextlib.ExitStack() as stack:

        def run(log, code, name):
            path = tmp_path / log
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("w"))
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", code + WAIT, name], stdout=file))
            stack.callback(process.kill)
            while "left" not in path.read_text() and "print" in code:
                assert process.poll() is None
                time.sleep(0.02)
            return process

        yield run


def test_a_job_is_shown_with_how_far_it_is_until_it_ends(start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["status"])
    job = start("logs/desk/tsar/grow.log", LINES, "papers.tsar.meta_train")
    start("logs/desk/tsar/young.log", "pass", "papers.tsar.transfer")
    start("logs/other.log", LINES, "another.program")
    start("elsewhere/logs/grow.log", LINES, "papers.tsar.meta_train")
    status.main()
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in shown[::2]] == ["logs/desk/tsar/grow.log", "logs/desk/tsar/young.log"]
    assert shown[1::2] == ["    grow seed 0: 3/6, 1/s, 0:00:03 left, loss 0.5", "    starting"]
    job.kill()
    job.wait()
    assert [running.log.name for running in status.running(tmp_path)] == ["young.log"]


def test_where_nothing_runs_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["status"])
    status.main()
    assert f"nothing runs in {tmp_path}" in capsys.readouterr().out
