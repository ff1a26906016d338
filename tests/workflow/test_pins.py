"""pip and conda install the same versions, and those are the ones the tests run with."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys

import pytest
import yaml

from common.running.workflow import ROOT

CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def pip_pins() -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines if line)}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-slurm.txt"])
def test_every_requirement_is_pinned_and_explained(file):
    for line in filter(None, (ROOT / file).read_text().splitlines()):
        assert line.startswith("# ") or re.fullmatch(r"\S+==[\d.]+ +# .+", line), line


def test_conda_and_pip_agree():
    packages = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(package.split("=") for package in packages if not package.startswith("python="))
    assert conda == {CONDA_NAMES.get(name, name): version for name, version in pip_pins().items()}


def test_whatever_is_imported_is_a_requirement():
    files = [
        *ROOT.glob("common/**/*.py"),
        *ROOT.glob("papers/**/*.py"),
        *ROOT.glob("studies/**/*.py"),
        *ROOT.glob("examples/*.py"),
        *ROOT.glob("benchmarks/*.py"),
        *ROOT.glob("tests/**/*.py"),
    ]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    roots = (
        {name.partition(".")[0] for name in imported}
        - sys.stdlib_module_names
        - {"common", "papers", "studies", "benchmarks", "tests"}
        - {"avalanche"}  # what one benchmark compares with; it says how to install it
    )
    distributions = importlib.metadata.packages_distributions()
    unpinned = {
        root for root in roots if not {name.lower() for name in distributions.get(root, ())} & pip_pins().keys()
    }
    assert roots and not unpinned


@pytest.mark.parametrize("name, version", pip_pins().items())
def test_installed_version(name, version):
    assert importlib.metadata.version(name).partition("+")[0] == version
