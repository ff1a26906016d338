"""What a run says about where it ran."""

from __future__ import annotations

import platform
import subprocess
import sys

import numpy
import pytest
import torch

from common.results import environment


def test_versions_are_those_in_use():
    versions = environment.versions()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == numpy.__version__
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert sys.version.startswith(versions["python"])


def test_peak_memory_grows_with_what_is_held():
    before = environment.peak_memory()["peak_memory_mb"]
    block = numpy.ones(int(before * 2**20 / 8) + 20 * 2**17)  # 20 MiB more than was ever held
    assert environment.peak_memory()["peak_memory_mb"] >= before + 20
    assert block[-1] == 1


def test_the_cpu_is_named_by_its_model():
    assert environment.device_name("cpu") == environment.device_name(torch.device("cpu"))
    assert environment.device_name("cpu").startswith("cpu (")
    assert platform.node() not in environment.device_name("cpu")


@pytest.mark.parametrize(("status", "dirty"), [("", False), (" M common/results/records.py", True)])
def test_git_state_reads_commit_and_status(tmp_path, monkeypatch, status, dirty):
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\ncase \"$*\" in *rev-parse*) echo 0123abcd;; *) echo '{status}';; esac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_state(tmp_path) == {"commit": "0123abcd", "dirty": dirty}
    program.write_text("#!/bin/sh\nexit 128\n")
    assert environment.git_state(tmp_path) == {"commit": None, "dirty": None}


def test_a_repository_around_an_unpacked_copy_is_not_its_own(tmp_path):
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "other", "--allow-empty"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    (copy := tmp_path / "suite").mkdir()
    (copy / "records.py").touch()
    assert environment.git_state(copy) == {"commit": None, "dirty": None}
    subprocess.run(["git", "-C", str(tmp_path), "add", "suite"], check=True)
    assert environment.git_state(copy)["dirty"] is True
