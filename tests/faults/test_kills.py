"""A build of six figures that is killed at random times ends with the tables of an undisturbed one, equal to the bit.

    KILLS=50 python -m pytest -m kills tests/faults/test_kills.py

Every other kill takes Snakemake alone, whose jobs then end by themselves. Halfway a protocol is edited.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.checkout import Checkout

pytestmark = [pytest.mark.kills, pytest.mark.slow]
KILLS = int(os.environ.get("KILLS", "50"))
FIGURES = ("synaptic_intelligence_fig3", "synaptic_intelligence_fig4", "synaptic_intelligence_fig5")
FIGURES += ("sticky_gradient_fig2", "sticky_gradient_fig3", "dan_fig1")
TARGETS = [f"figures/{name}.pdf" for name in FIGURES] + ["--config", "device=cpu", "scale=smoke"]
EDITED = ("papers/synaptic_intelligence/protocol.yaml", "learning_rate: 1e-3", "learning_rate: 2e-3")


def tables(checkout: Checkout) -> dict[str, bytes]:
    """All tables that a build leaves, with those of the values that figures show."""
    return {
        str(path.relative_to(checkout.folder)): path.read_bytes() for path in checkout.folder.glob("results/**/*.csv")
    }


def edit(checkout: Checkout) -> None:
    file, old, new = EDITED
    path = checkout.folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def jobs_of(checkout: Checkout) -> list[psutil.Process]:
    """The processes that work in a checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == checkout.folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def killed(checkout: Checkout, after: float, alone: bool) -> bool:
    """Build, and kill Snakemake after so many seconds, alone or with its jobs; return whether it was still at work."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *TARGETS]
    quiet = subprocess.DEVNULL
    options = {"cwd": checkout.folder, "env": checkout.environment, "stdout": quiet, "stderr": quiet}
    build = subprocess.Popen(command, start_new_session=True, **options)
    try:
        assert build.wait(after) == 0, "a build failed that was not killed"
        return False
    except subprocess.TimeoutExpired:
        if alone:
            build.kill()
        else:
            os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        return True


def finish(checkout: Checkout) -> dict[str, bytes]:
    """Build to the end, and wait for jobs whose Snakemake was killed; return the tables."""
    checkout.run("--unlock", *TARGETS)
    checkout.run(*TARGETS)
    _, alive = psutil.wait_procs(jobs_of(checkout), timeout=600)
    assert not alive and checkout.jobs(*TARGETS) == {}
    return tables(checkout)


def test_a_build_that_is_killed_many_times_ends_with_the_same_tables(tmp_path_factory):
    whole, checkout = (Checkout(tmp_path_factory.mktemp(name)) for name in ("whole", "killed"))
    started = time.monotonic()
    whole.run(*TARGETS)
    seconds, expected = time.monotonic() - started, tables(whole)
    assert len(expected) > 20
    chosen, kills = random.Random(28), 0
    for part in ("before", "after"):  # the edit
        before = kills
        while kills - before < KILLS // 2:
            alone = kills % 2 == 1
            if killed(checkout, chosen.uniform(1, seconds / 4), alone):
                kills += 1
                print(f"kill {kills}, of {'Snakemake alone' if alone else 'all'}, {part} the edit", flush=True)
                checkout.run("--unlock", *TARGETS)
            else:  # all over again
                assert finish(checkout) == expected
                for folder in ("results", "figures", ".snakemake"):
                    shutil.rmtree(checkout.folder / folder)
        assert finish(checkout) == expected
        if part == "before":
            for one in (whole, checkout):
                edit(one)
            whole.run(*TARGETS)
            edited = tables(whole)
            assert edited.keys() == expected.keys() and edited != expected
            expected = edited
    print(f"{kills} kills: {len(expected)} tables equal to the bit", flush=True)
