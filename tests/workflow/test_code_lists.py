"""Every module that a stage imports is either tied to its results or known not to change a number."""

from __future__ import annotations

import ast

import pytest

from common.running.workflow import ROOT
from papers.dan import runs as dan
from papers.dhp import runs as dhp
from papers.sticky_gradient import runs as sticky_gradient
from papers.synaptic_intelligence import runs as synaptic_intelligence
from papers.tsar import runs as tsar

CODE = {
    "dan": dan.CODE,
    "dhp": dhp.CODE,
    "sticky_gradient": sticky_gradient.CODE,
    "synaptic_intelligence": synaptic_intelligence.CODE,
    "tsar": tsar.CODE,
}

# Command lines, files, progress and devices: none of these decides a number, so editing them makes nothing run again.
PLUMBING = {
    "common/data/catalog.py",
    "common/running/checkpoints.py",
    "common/results/collect.py",
    "common/running/devices.py",
    "common/results/environment.py",
    "common/data/load.py",
    "common/running/progress.py",
    "common/running/protocols.py",
    "common/results/records.py",
    "common/running/stage.py",
    "common/running/workflow.py",
    *(f"papers/{paper}/{module}.py" for paper in CODE for module in ("protocol", "runs")),
}


def imported(file: str, found: set[str] | None = None) -> set[str]:
    """The repository's files that `file` imports, directly or through others, and `file` itself."""
    found = set() if found is None else found
    if file in found:
        return found
    found.add(file)
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for path in (f"{module.replace('.', '/')}.py" for module in modules):
            if path.startswith(("common/", "papers/")) and (ROOT / path).is_file():
                imported(path, found)
    return found


@pytest.mark.parametrize("paper, stage", [(paper, stage) for paper, code in CODE.items() for stage in code])
def test_code_list_is_what_the_stage_imports(paper, stage):
    needed = imported(f"papers/{paper}/{stage}.py") - PLUMBING
    listed = CODE[paper][stage]
    assert needed == set(listed), f"correct papers/{paper}/runs.py, or PLUMBING in this test"
    assert len(listed) == len(set(listed))


def test_every_paper_is_checked():
    assert set(CODE) == {rules.parent.name for rules in ROOT.glob("papers/*/rules.smk")}
