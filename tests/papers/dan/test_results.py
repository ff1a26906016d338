"""What is computed from the collected tables is as worked by hand."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results import arrays
from papers.dan import results
from tests.papers.dan.constructed import Errors, everything, image_errors, meta, tables


def hand_worked_stages():
    """Two functions: losses of the second are ten times those of the first, its variance is 2 instead of almost 0.

    A sub-task has a loss of 1, 2, ..., 5 until it is learned, then of 0.1; 0.1 more with each further sub-task.
    """
    rows = []
    for after in range(6):
        for task in range(1, 6):
            loss = 0.1 * (1 + after - task) if task <= after else task * (1 - 0.1 * after)
            for function, (scale, variance) in enumerate([(1, 0.001), (10, 2.0)]):
                rows.append(("net0", 7, function, after, task, scale * loss, variance))
    return pandas.DataFrame(rows, columns=results.READERS["stages"].columns)


def test_losses_of_deployment_are_as_worked_by_hand():
    run = tables(stages=hand_worked_stages())
    assert results.functions(run) == 2
    assert results.total(run, "net0", after=0) == {7: pytest.approx(3 * 5.5)}
    assert results.total(run, "net0") == results.memory(run, "net0") == {7: pytest.approx(0.3 * 5.5)}
    assert results.total_ratio(run, "net0") == {7: pytest.approx(0.3 / 3)}
    assert results.memory_at_borders(run, "net0")[7] == pytest.approx([0.55, 0.825, 1.1, 1.375])
    # 0.3 over the floor of 0.01, and 3 over 2
    assert results.normalised_memory(run, "net0") == {7: pytest.approx((30 + 1.5) / 2)}
    assert results.total(run, "net1") == {}
    before = (2 * 0.9 + 3 * 0.8 + 4 * 0.7 + 5 * 0.6) / 4  # of sub-tasks 2 to 5, each right before it is learned
    assert results.unseen(run, "net0") == {7: pytest.approx(before * (1 / 0.01 + 10 / 2) / 2)}


def test_meta_training_is_judged_by_its_start_its_end_and_its_area():
    losses = [*range(20, 0, -1)]
    log = {"sharing": "network", "n_channels": 40, "seed": 3, "sequence": range(1, 21), "loss": losses}
    run = tables(meta=pandas.DataFrame(log))
    assert results.meta_trained(run, "network", 40) == {3: 1.5}
    assert results.first_meta_trained(run, "network", 40) == {3: 19.5}
    assert results.area(run, "network", 40) == {3: 10.5}
    assert results.area(run, "network", 20) == results.meta_trained(run, "layer", 40) == {}


def test_sharing_is_compared_at_the_channels_that_all_have():
    assert results.shared_channels(tables()) == results.shared_channels(everything()) == 40
    fewer = tables(meta=meta().replace({"n_channels": {40: 8}}))
    assert results.shared_channels(fewer) == 8
    assert results.swept_channels(fewer) == [1, 5, 8, 10, 20]


@pytest.mark.parametrize("steps", [60, 3])
def test_errors_of_images_are_as_worked_by_hand(steps):
    """The errors are those at the borders of digits, however far apart; of seed 1, all but the first are exact."""
    level = Errors(start=1.0, first=0.9, learned=0.2, forgotten=0.01, transfer=0.05)
    rows = image_errors(seeds=2, steps=steps, changes={"both": level})
    run = tables(image_errors=rows[rows["seed"] == 1])
    assert results.image_error(run, "both", 0) == {1: pytest.approx(1.0)}
    assert results.image_error_after_first_step(run, "both") == {1: pytest.approx(1.01 * 0.9)}
    assert results.image_error(run, "both", 10) == {1: pytest.approx(0.2 + 0.045)}
    assert results.image_error(run, "both", 5, range(5, 10)) == {1: pytest.approx(0.65)}
    assert results.digit0_retained(run, "both") == {1: pytest.approx(0.29 / 0.2)}
    assert results.backward_transfer(run, "both") == {1: pytest.approx(0.01 * 45 / 9)}
    assert results.forward_transfer(run, "both") == {1: pytest.approx(-0.1 - 0.05 * 5)}
    assert results.backward_transfer(tables(), "both") == results.forward_transfer(tables(), "both") == {}


@pytest.mark.parametrize(("end", "expected"), [("original", 0.25 / 8.25), ("mean", 1)])
def test_the_mean_image_is_what_reconstructions_have_to_beat(end, expected):
    """Two pixels, (0, 0) to (9, 9) by digit: their mean is 4.5, its mean squared error 8.25."""
    digits = numpy.arange(10.0)[:, None, None].repeat(2, axis=2)
    pictures = {"original": digits, "all": digits + 0.5 if end == "original" else 0 * digits + 4.5}
    run = tables(image_grids=arrays.of_runs([{"condition": "both", "seed": 2}], [pictures]))
    assert results.mean_image_ratio(run, "both") == {2: pytest.approx(expected)}
    assert results.mean_image_ratio(run, "memory") == results.mean_image_ratio(tables(), "both") == {}
