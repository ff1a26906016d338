"""Protocols that cannot be are refused, and names of conditions mean what they say."""

from __future__ import annotations

import pytest
import torch

from common.running.protocols import ProtocolError
from papers.tsar import model
from papers.tsar.protocol import check_conditions, initial_bias, with_initial_bias
from papers.tsar.runs import REGISTER
from tests.papers.tsar.small import WIDTHS


@pytest.mark.parametrize(
    "overrides, message",
    [
        (
            "design.conditions=[grow, grwo]",
            "section 'design', scale 'smoke': unknown condition 'grwo'; known are grow, .*, bias<b>",
        ),
        ("design.conditions=[reservoir]", "unknown condition 'reservoir'"),
        ("design.meta_learning_sets=[rich, poor]", "unknown meta-learning set 'poor'; known are rich, scarce"),
        ("design.seeds=1001", "seeds must be at most 1000, where tuning begins, not 1001"),
        (
            "meta_learning.inner_images=25",
            "section 'meta_learning', scale 'smoke': inner_images: a class has 20 drawings, not 25",
        ),
        ("meta_learning.second_order=[omll]", "unknown condition 'omll'; known are grow"),
        ("meta_learning.scarce_classes=5000", "scarce_classes, 5000, are more than rich_classes, 60"),
        ("meta_learning.outer_images=201", "outer_images: 10 scarce classes have 200 drawings, not 201"),
        ("meta_learning.log_every=13", "meta_learning.log_every, 13, leaves the log of 12 iterations empty"),
        ("design.meta_iterations=[12, 6]", "meta_iterations must increase, not .12, 6."),
        ("design.meta_iterations=[0]", "meta_iterations must have a length of meta-learning besides 0"),
        ("meta_learning.oml_outer_learning_rate=0", "oml_outer_learning_rate must be positive, not 0"),
        ("meta_learning.rich_classes=101", "meta_learning.rich_classes: 101 classes need as many network.outputs, not"),
        (
            "transfer.recall_after=[1, 50]",
            "section 'transfer', scale 'smoke': recall_after must .* end with the last class, 100, not",
        ),
        ("transfer.recall_after=[10, 1, 100]", "recall_after must increase"),
        ("transfer.images_per_class=2000", "images_per_class: 50 of CIFAR-100 are left to tune on, not 2000"),
        (
            "transfer.classes=20; transfer.recall_after=[20]",
            "transfer.classes: 20 .* too few for Figures 5 and 10; give",
        ),
        ("transfer.classes=21; transfer.recall_after=[21]; transfer.images_per_class=1", "and 31 images in all"),
        ("transfer.classes=101", "classes: each of the data sets that are transferred to has 100, not 101"),
        (
            "omniglot.images_per_class=19",
            "a class has 20 drawings, fewer than images_per_class, 19, and held_out_images, 2",
        ),
        ("omniglot.classes=101", "omniglot.classes: 101 classes need as many network.outputs, not 100"),
        ("design.omniglot_conditions=[anm]", "unknown condition 'anm'"),
        ("transfer.baseline_learning_rates=[1e-3, -1]", "baseline_learning_rates=.* must be at least 0, not -1"),
        (
            "network.outputs=99; meta_learning.rich_classes=60",
            "scale 'smoke': transfer.classes: 100 classes need as many network.outputs, not 99",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(overrides, message):
    with pytest.raises(ProtocolError, match=message):
        REGISTER.protocol("smoke", overrides.split("; "))


def test_the_limits_themselves_are_allowed():
    limits = ("meta_learning.inner_images=20", "meta_learning.scarce_classes=60", "meta_learning.outer_images=1200")
    limits += ("meta_learning.log_every=6", "network.outputs=100", "meta_learning.rich_classes=100")
    assert REGISTER.protocol("smoke", limits).meta_learning.rich_classes == 100


@pytest.mark.parametrize(
    "condition, bias",
    [("grow", -8), ("sculpt", 0), ("bias-4", -4), ("bias12", 12), ("reservoir-8", -8), ("oml", None), ("anml", None)]
    + [("no_regulation", None), ("scratch", None)],
)
def test_every_condition_has_a_network_and_a_regulator_starts_from_its_bias(condition, bias):
    check_conditions([condition])
    network = model.build(condition, WIDTHS, torch.Generator())
    assert initial_bias(condition) == bias
    assert isinstance(network, model.Tsar) == (bias is not None)
    if bias is not None:
        assert (network.output.bias == bias).all()
        assert network.output.trainable == (with_initial_bias(bias) == condition)
