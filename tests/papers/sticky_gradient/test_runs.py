"""Each job depends on the settings that it reads, and on no others; each result on what it is made from."""

from __future__ import annotations

import pytest

from common.running.protocols import Settings
from papers.sticky_gradient import runs
from papers.sticky_gradient.protocol import FIRST_COMPARED_SEED, FIRST_TUNING_SEED
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED, decisive
from papers.sticky_gradient.runs import REGISTER
from tests.papers.sticky_gradient.small import PAPER

JOBS = {
    "control": ("train", {"condition": CONTROL}),
    "EWC": ("train", {"condition": EWC}),
    "full": ("train", {"condition": FULL}),
    "found": ("train", {"condition": FULL + SEARCHED}),
    "shared": ("train", {"condition": CONTROL, "shared": "0.6"}),
    "EWC of a reading": ("train", {"condition": EWC, "reading": "unit-gradient-none"}),
    "full of a reading": ("train", {"condition": FULL, "reading": "unit-gradient-none"}),
    "search": ("search", {"reading": "unit-gradient-none"}),
    "trajectories": ("trajectories", {}),
    "collect_readings": ("collect_readings", {}),
}
FIGURES_READING = {"control", "EWC", "full", "found", "shared", "trajectories"}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("training.batch=10", {*JOBS} - {"collect_readings"}),
        ("training.fisher_images=100", {"EWC", "EWC of a reading"}),
        ("attractor.gamma=5", {"full", "full of a reading", "search", "trajectories"}),
        ("search.trials=31", {"search"}),
        ("design.reading=unit-gradient-mean", FIGURES_READING),
        ("design.shared_pixels=same", {"shared"}),
        ("design.seeds=11", set()),
    ],
)
def test_a_changed_setting_makes_those_jobs_run_again_that_read_it(change, again):
    digests = [
        {name: REGISTER.settings(stage, "paper", job, changes).digest for name, (stage, job) in JOBS.items()}
        for changes in ((), [change])
    ]
    assert {name for name in JOBS if digests[0][name] != digests[1][name]} == again


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("design.reading=unit-gradient-mean", {"comparison"}),
        ("attractor.gamma=5", {"comparison", "fig1"}),
        ("design.compared=[unit-gradient-mean]", {"table_readings"}),
    ],
)
def test_a_changed_setting_makes_those_results_anew_that_read_it(change, again):
    def digests(changes):
        protocol = REGISTER.protocol("paper", changes)
        names = [*REGISTER.artifacts, "comparison"]
        return {name: Settings(protocol, REGISTER.artifact(name).reads, name).digest for name in names}

    before, after = digests(()), digests([change])
    assert {name for name in before if before[name] != after[name]} == again


def test_compared_readings_share_their_runs():
    found = runs.compared(PAPER, "paper", "cpu")
    assert len(found) == len(set(found)) < 3 * len(PAPER.design.compared) * PAPER.design.compared_seeds
    for name in PAPER.design.compared:
        for condition in (CONTROL, EWC, FULL):
            folder = f"/readings/{decisive(name, condition)}/{condition}/seeds{FIRST_COMPARED_SEED}-"
            assert any(folder in path for path in found)
    assert FIRST_COMPARED_SEED > FIRST_TUNING_SEED  # on which the reading was chosen


def test_all_conditions_are_trained_once():
    conditions = runs.accuracies(PAPER, "paper", "cuda") + runs.ablation(PAPER, "paper", "cuda")
    assert len(conditions) == len(set(conditions)) == len(runs.CELLS) + 1 + len(runs.CELLS) - 1  # EWC; none to find
