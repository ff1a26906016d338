"""The network of Figure 1."""

from __future__ import annotations

import pytest

from common.results import tables
from papers.dan import diagram
from tests.papers.dan.small import call


def test_the_diagram_is_of_a_network_that_has_learned(tmp_path, monkeypatch):
    call(monkeypatch, diagram, f"--out {tmp_path}/diagram.csv")
    table = tables.read(tmp_path / "diagram.csv")
    counts = table["kind"].value_counts().to_dict()
    assert counts == {"synapse": (2 * 3 + 3 * 1) * 3, "node": 6, "phenotype": 3 * 15 + 15 * 8 + 8}
    output = table[(table["kind"] == "node") & (table["layer"] == 2)]["value"].item()
    assert output == pytest.approx(0.8 * -0.5, abs=0.1)
