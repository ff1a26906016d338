"""The study's protocol: what cannot be is refused while it is read."""

from __future__ import annotations

import pytest

from common.running import register
from common.running.protocols import ProtocolError
from studies.cross_benchmark import methods, protocol
from studies.cross_benchmark.conditions import STYLES

REGISTER = register.of("cross_benchmark")


def test_every_method_is_defined_and_has_its_style():
    assert tuple(methods.METHODS) == tuple(STYLES) == protocol.METHODS == REGISTER.protocol("paper").design.methods


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("design.methods=[ewcc]", "unknown method 'ewcc'; known are finetune"),
        ("design.methods=[finetune, a/ewc.py]", "a/ewc.py: there is a method ewc already"),
        ("design.optimizers=[rmsprop]", "unknown optimizer 'rmsprop'; known are sgd, adam"),
        ("search.sgd=[1.0, 0.1]", r"sgd must be a range such as \[0.001, 1.0\], not \[1, 0.1\]"),
        ("search.adam=[0.0, 0.1]", "adam must be positive"),
    ],
)
def test_what_cannot_be_is_refused(override, message):
    with pytest.raises(ProtocolError, match=message):
        REGISTER.protocol("smoke", [override])
