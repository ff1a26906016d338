"""The Makefile and the check of a change, with programs in place of Python and make that only say how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from common.workflow import ROOT

# What the make that runs these tests would hand on to those they run, and what decides where caches go.
HIDDEN = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "CORES", "XDG_CACHE_HOME", "MPLCONFIGDIR"}


def call(command, folder, **environment):
    kept = {key: os.environ[key] for key in os.environ.keys() - HIDDEN}
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)


def program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def make(tmp_path):
    """Calls make in a folder whose environment is installed; python tells where caches go and what it was asked."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    program(tmp_path / ".venv/bin/python", 'echo "caches: $XDG_CACHE_HOME, $MPLCONFIGDIR; asked: $@"')
    (tmp_path / ".venv/installed").touch()
    os.utime(tmp_path / "requirements.txt", (0, 0))

    def last_line(*arguments, **environment):
        done = call(["make", "--silent", *arguments], tmp_path, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return last_line


def test_caches_stay_in_the_home_folder_where_they_can(make, tmp_path):
    assert make("list", HOME=str(tmp_path)).startswith("caches: , ;")


@pytest.mark.parametrize("home", ["/proc/no-home", ""])
def test_caches_lie_beside_the_results_where_the_home_folder_cannot_be_written(make, tmp_path, home):
    cache = tmp_path / ".snakemake/cache"
    assert make("list", HOME=home).startswith(f"caches: {cache}, {cache}/matplotlib;")
    assert make("list", HOME=home, XDG_CACHE_HOME="/own").startswith(f"caches: /own, {cache}/matplotlib;")


def test_cores_are_those_that_the_process_may_use(make, tmp_path):
    program(tmp_path / "bin/nproc", "echo 3")
    assert "--cores 3 all" in make("all", PATH=f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    program(tmp_path / "bin/nproc", "exit 127")
    program(tmp_path / "bin/getconf", "echo 5")
    assert "--cores 5 all" in make("all", PATH=f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    assert "--cores 2 all" in make("all", "CORES=2")


@pytest.mark.parametrize("status", [0, 1])
def test_the_check_of_a_change_repeats_the_summary_last(tmp_path, status):
    program(tmp_path / ".ci/run", "")
    shutil.copy2(ROOT / ".ci/run", tmp_path / ".ci/run")
    tests = f"\t@echo '== $(if $(filter --color=no,$(ARGS)),plain,coloured) in 0.1s =='; echo more; exit {status}\n"
    (tmp_path / "Makefile").write_text(f"install:\nlint:\ntest:\n{tests}")
    done = call([tmp_path / ".ci/run"], tmp_path)
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == "== plain in 0.1s =="


def test_the_check_of_a_change_passes_without_a_summary_to_repeat(tmp_path):
    program(tmp_path / ".ci/run", "")
    shutil.copy2(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "Makefile").write_text("install:\nlint:\ntest:\n\t@echo none\n")
    assert call([tmp_path / ".ci/run"], tmp_path).returncode == 0
