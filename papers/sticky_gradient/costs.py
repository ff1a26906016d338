"""What the stages cost; the factors are fitted to the kept runs (`recorded/`) and to the speed noted in TRIALS.md."""

from __future__ import annotations

from collections.abc import Mapping

from common.running.costs import Cost, dense, images, seeds, training
from papers.sticky_gradient.protocol import DIGITS, PIXELS, Protocol
from papers.sticky_gradient.runs import parameters

PASSES, OPERATIONS = 16, 100  # of a step: Adam and the rule; small operations
SMALL = 1.2  # products of batches of fifty images, beside those of large matrices
JUDGED = 2  # by a search beside its trials: the published values and the control
REPEATED = 2  # the network whose weights are followed is trained twice
COLLECTING = 1e5  # small operations


def cost(stage: str, protocol: Protocol, job: Mapping[str, str]) -> Cost:
    """Return what a job costs; job: its options by name."""
    if stage == "collect_readings":
        return Cost(operations=COLLECTING)
    settings, scale = protocol.training, job["scale"]
    train, tested = images("mnist", scale), images("mnist", scale, "test")
    runs, replicas = 1, seeds(job)
    if stage == "search":
        train, tested = train - protocol.search.held_out, protocol.search.held_out
        runs, replicas = protocol.search.trials + JUDGED, 1
    elif stage == "trajectories":
        runs, tested = REPEATED, 0
    tasks = settings.tasks
    return training(
        dense((PIXELS, settings.hidden, DIGITS)),
        parameters(protocol),
        runs * settings.epochs * tasks * train,
        settings.batch,
        runs * tasks * (tasks + 1) / 2 * tested,
        replicas,
        PASSES,
        OPERATIONS,
        SMALL,
    )._replace(state=0)  # its runs keep no checkpoint
