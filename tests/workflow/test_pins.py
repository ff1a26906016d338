"""pip and conda install the same versions, and those are the ones the tests run with."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
import yaml

from common.running.workflow import ROOT

CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def pip_pins() -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines if line)}


def test_every_requirement_is_pinned_and_explained():
    for line in filter(None, (ROOT / "requirements.txt").read_text().splitlines()):
        assert line.startswith("# ") or re.fullmatch(r"\S+==[\d.]+ +# .+", line), line


def test_conda_and_pip_agree():
    packages = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(package.split("=") for package in packages if not package.startswith("python="))
    assert conda == {CONDA_NAMES.get(name, name): version for name, version in pip_pins().items()}


@pytest.mark.parametrize("name, version", pip_pins().items())
def test_installed_version(name, version):
    assert importlib.metadata.version(name).partition("+")[0] == version
