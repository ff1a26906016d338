"""What a stage or a figure would stumble over is refused when the protocol is read, before any work begins."""

from __future__ import annotations

import re

import pytest

from common.running.protocols import ProtocolError
from papers.dan import conditions, method
from papers.dan.phenotypes import KEPT
from papers.dan.protocol import IMAGE_CONDITIONS, NETWORKS, OPTIMIZERS, SHARING
from papers.dan.runs import REGISTER

THROUGH = "regression.through_step=true"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["regression.theta_optimizer=sdg"], "theta_optimizer: unknown 'sdg'; known are adam, sgd"),
        (["images.phi_optimizer=Adam"], "phi_optimizer: unknown 'Adam'; known are adam, sgd"),
        ([THROUGH, "regression.theta_optimizer=adam"], "through_step: needs theta_optimizer sgd, not adam; or set it"),
        (["regression.nodes=[1, 4, 1]"], "skips: [1, 3] does not lead to a later one of the 3 layers"),
        (["regression.tasks=4"], "tasks: figures and claims are made for 5 sub-tasks, not 4"),
        (["images.n_channels=24"], "n_channels: a DAN sees a square patch of at least 5x5, not 24"),
        (["images.n_channels=16"], "n_channels: a DAN sees a square patch of at least 5x5, not 16"),
        (["images.nodes=[195, 6, 5, 6, 195]"], "nodes: the first and the last layer are the pixels of a square image"),
        (["images.nodes=[196, 6, 5, 6, 100]"], "nodes: the first and the last layer are the pixels of a square image"),
        (["design.shown_functions=5"], "functions: 4 are too few to show 5 of them and a spread"),
        (["design.sharing=[all]"], "sharing: unknown 'all'; known are network, layer, none"),
        (
            ["design.image_conditions=[transfer]"],
            "image_conditions: unknown 'transfer'; known are both, memory, random",
        ),
    ],
)
def test_a_protocol_that_a_stage_would_stumble_over_is_refused(overrides, message):
    section = overrides[0].partition(".")[0]
    with pytest.raises(ProtocolError, match=f"section '{section}', scale 'smoke': {re.escape(message)}"):
        REGISTER.protocol("smoke", overrides)


def test_sections_go_together():
    with pytest.raises(
        ProtocolError, match=r"protocol.yaml: scale 'smoke': images.tasks: Figure 2 is of 10 digits, not 2"
    ):
        REGISTER.protocol("smoke", ["images.tasks=2"])
    with pytest.raises(
        ProtocolError, match=r"design.averaged: the phenotypes of the last 3 sequences are kept, not of 4"
    ):
        REGISTER.protocol("smoke", ["design.averaged=4"])
    assert REGISTER.protocol("smoke", ["regression.sequences=200", f"design.averaged={KEPT}"])
    with pytest.raises(ProtocolError, match=f"of the last {KEPT} sequences"):
        REGISTER.protocol("smoke", ["regression.sequences=200", f"design.averaged={KEPT + 1}"])


def test_names_in_the_protocol_are_those_that_the_code_knows():
    assert set(OPTIMIZERS) == set(method.OPTIMIZERS) and REGISTER.protocol("smoke", [THROUGH]).regression.through_step
    named = (conditions.SHARING, conditions.IMAGES, conditions.NETWORKS)
    assert [tuple(names) for names in named] == [SHARING, IMAGE_CONDITIONS, tuple(NETWORKS)]
    assert all((look.linestyle == "-") == NETWORKS[name].meta_trained for name, look in conditions.NETWORKS.items())
