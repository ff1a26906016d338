"""Each job reads the settings that decide its numbers, and no others; runs are shared where they can be."""

from __future__ import annotations

import pytest

from papers.sticky_gradient import runs
from papers.sticky_gradient.protocol import FIRST_COMPARED_SEED, FIRST_TUNING_SEED
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED, decisive
from papers.sticky_gradient.runs import REGISTER
from tests.papers.sticky_gradient.small import PAPER

EWC_ALONE = {"training.ewc_strength", "training.fisher_images"}


@pytest.mark.parametrize(
    ("stage", "job", "reads"),
    [
        ("train", {"condition": CONTROL}, {"design.reading"}),
        ("train", {"condition": EWC}, {"design.reading", *EWC_ALONE}),
        ("train", {"condition": FULL}, {"design.reading", "attractor"}),
        ("train", {"condition": FULL + SEARCHED}, {"design.reading"}),
        ("train", {"condition": CONTROL, "shared": "0.6"}, {"design.reading", "design.shared_pixels"}),
        ("train", {"condition": FULL, "reading": "unit-gradient-none"}, {"attractor"}),
        ("search", {"reading": "unit-gradient-none"}, {"attractor", "search"}),
        ("trajectories", {}, {"design.reading", "attractor"}),
    ],
)
def test_what_a_job_reads_beside_how_all_networks_train(stage, job, reads):
    of_all = {f"training.{key}" for key in vars(PAPER.training)} - EWC_ALONE
    assert set(REGISTER.stages[stage].read_by(job)) == of_all | reads


def test_compared_readings_share_their_runs():
    found = runs.compared(PAPER, "paper", "cpu")
    assert len(found) == len(set(found)) < 3 * len(PAPER.design.compared) * PAPER.design.compared_seeds
    for name in PAPER.design.compared:
        for condition in (CONTROL, EWC, FULL):
            folder = f"/readings/{decisive(name, condition)}/{condition}/seeds{FIRST_COMPARED_SEED}-"
            assert any(folder in path for path in found)
    assert FIRST_COMPARED_SEED > FIRST_TUNING_SEED  # on which the reading was chosen
