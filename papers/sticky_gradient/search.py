"""The meta-search of Section 2.1: thirty trials of a tree-structured Parzen estimator over the six hyperparameters.

    python -m papers.sticky_gradient.search --scale smoke --data data/smoke/mnist.npz --out search.csv --study study.db

Each trial trains the full method on ten permuted tasks and is judged, by eq. 2, on held-out training images. Tasks, images
and seed are those of no reported run. The published values (trial -1) and the control (trial -2) are judged in the same
way. The study is stored after every trial, so that a search that was killed goes on where it was.
"""

from __future__ import annotations

import math

import optuna
import torch

from common.learning.continual import learn
from common.learning.search import search
from common.results import tables
from common.running import protocols, stage
from common.running.protocols import Settings
from papers.sticky_gradient import data
from papers.sticky_gradient.protocol import FIRST_TUNING_SEED, HYPERPARAMETERS, NO_METHOD, PUBLISHED, Attractor, Search
from papers.sticky_gradient.readings import CONTROL, FULL, Reading, reading
from papers.sticky_gradient.train import job_of, learner, options, schedule


def objective(matrix: torch.Tensor) -> float:
    """sum_j (log j / j) sum_{i<=j} A(i, j), divided by N sum_j log j (eq. 2); matrix[j, i] = A(i, j), [N, N]."""
    tasks = len(matrix)
    weights = torch.arange(1, tasks + 1, dtype=matrix.dtype).log()
    averages = matrix.tril().sum(1) / torch.arange(1, tasks + 1)
    return float((weights * averages).sum() / (tasks * weights.sum()))


def judge(
    settings: Settings, choices: Reading, condition: str, attractor: Attractor, path: str, device: torch.device
) -> float:
    """Return the objective of hyperparameters on the tuning seed's tasks and the held-out images; 0 if training diverges.

    settings: the training and search of the protocol; choices: the reading; path: of the prepared MNIST.
    """
    training, seeds = settings.training, [FIRST_TUNING_SEED]
    stream, _ = data.stream(path, training.tasks, choices, seeds, device, held_out=settings.search.held_out)
    learning = learner(training, condition, attractor, choices, seeds, device)
    try:
        matrices = learn(learning, stream, schedule(training), seeds, condition, evaluated="seen")
    except stage.TrainingError as error:
        print(f"{error}: counts as 0", flush=True)
        return 0.0
    return objective(matrices["test"][0])


def suggest(trial: optuna.Trial, ranges: Search) -> Attractor:
    """Return hyperparameters for a trial: log-uniform in the ranges of Table 3."""
    return Attractor(**{name: trial.suggest_float(name, *getattr(ranges, name), log=True) for name in HYPERPARAMETERS})


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--study", type=stage.written(".db"), required=True, help="where the study is stored (.db)")
    arguments = parser.parse_args()
    job, name = job_of("search", arguments)
    settings, choices, path = job.settings, reading(name), arguments.data
    seeds = [FIRST_TUNING_SEED]
    _, about = data.stream(path, 1, choices, seeds, job.device, held_out=settings.search.held_out)
    with job.record(arguments.out, data=[about], seeds=seeds) as measured:
        measured["reading"] = name
        # a study of other settings, data or code is not gone on with
        read = {section: values for section, values in settings.as_dict().items() if section in ("training", "search")}
        read["data"] = about["splits"]  # how many images, and their fingerprints
        study = f"{name} {protocols.digest(read)} {job.code}"

        def tried(trial: optuna.Trial) -> float:
            return judge(settings, choices, FULL, suggest(trial, settings.search), path, job.device)

        finished = search(arguments.study, study, settings.search.trials, FIRST_TUNING_SEED, tried)
        # counted anew: a trial that was interrupted has a number, too
        rows = [_row(name, number, trial.params, trial.value) for number, trial in enumerate(finished)]
        for number, condition in ((PUBLISHED, FULL), (NO_METHOD, CONTROL)):
            given = protocols.as_dict(settings.attractor) if number == PUBLISHED else {}
            value = judge(settings, choices, condition, settings.attractor, path, job.device)
            rows.append(_row(name, number, given, value))
        tables.write(arguments.out, rows)


def _row(name: str, number: int, values: dict, value: float | None) -> dict:
    hyperparameters = {key: values.get(key, math.nan) for key in HYPERPARAMETERS}
    return {"reading": name, "trial": number, "seed": FIRST_TUNING_SEED, **hyperparameters, "objective": value}


if __name__ == "__main__":
    stage.run(main)
