"""The meta-search of Section 2.1: thirty trials of a tree-structured Parzen estimator over the six hyperparameters.

    python -m papers.sticky_gradient.search --scale smoke --data data/smoke/mnist.npz --out search.csv --study study.db

Each trial trains the full method on ten permuted tasks and is judged, by eq. 2, on held-out training images; tasks, images and seed
are those of no reported run. The published values (trial -1) and the control (trial -2) are judged in the same way. The
study is stored after every trial, so that a search that was killed goes on where it was.
"""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import torch
from optuna.trial import TrialState

from common import device, protocol, records, stage
from common.continual import learn
from common.workflow import ROOT
from papers.sticky_gradient import data
from papers.sticky_gradient.protocol import (
    FIRST_TUNING_SEED,
    HYPERPARAMETERS,
    NO_METHOD,
    PROTOCOL,
    PUBLISHED,
    Attractor,
    Protocol,
    Search,
)
from papers.sticky_gradient.readings import CONTROL, FULL, Reading, reading
from papers.sticky_gradient.runs import CODE
from papers.sticky_gradient.train import learner, options, schedule


def objective(matrix: torch.Tensor) -> float:
    """Eq. 2: sum_j (log j / j) sum_{i<=j} A(i, j), divided by N sum_j log j; matrix[j, i] = A(i, j), [N, N]."""
    tasks = len(matrix)
    weights = torch.arange(1, tasks + 1, dtype=matrix.dtype).log()
    averages = matrix.tril().sum(1) / torch.arange(1, tasks + 1)
    return float((weights * averages).sum() / (tasks * weights.sum()))


def judge(
    plan: Protocol, choices: Reading, condition: str, attractor: Attractor, path: str, where: torch.device
) -> float:
    """The objective of one setting on the tuning seed's tasks and the held-out images; 0 if training diverges."""
    seeds = [FIRST_TUNING_SEED]
    stream, _ = data.stream(path, plan.training.tasks, choices, seeds, where, held_out=plan.search.held_out)
    learning = learner(plan.training, condition, attractor, choices, seeds, where)
    try:
        matrices = learn(learning, stream, schedule(plan.training), seeds, condition, unseen=False)
    except stage.TrainingError as error:
        print(f"{error}: counts as 0", flush=True)
        return 0.0
    return objective(matrices["test"][0])


def suggest(trial: optuna.Trial, ranges: Search) -> Attractor:
    """Hyperparameters for a trial: log-uniform in the ranges of Table 3."""
    return Attractor(**{name: trial.suggest_float(name, *getattr(ranges, name), log=True) for name in HYPERPARAMETERS})


def search(
    plan: Protocol, name: str, choices: Reading, path: str, about: dict, study_file: Path, where: torch.device
) -> list[optuna.trial.FrozenTrial]:
    """Run the trials that are not done yet, and return all that are, in order.

    The sampler depends on how many are done and on their outcomes alone, so that a resumed search is the same; a study of
    other settings, data (about: what they say of themselves) or code is not gone on with.
    """
    study_file.parent.mkdir(parents=True, exist_ok=True)
    settings = {"training": protocol.as_dict(plan.training), "search": protocol.as_dict(plan.search)}
    settings["data"] = about["splits"]  # how many images, and their fingerprints
    code = records.code_hash(*(ROOT / file for file in CODE["search"]))
    study = optuna.create_study(
        storage=f"sqlite:///{study_file}",
        study_name=f"{name} {protocol.digest(settings)} {code}",
        direction="maximize",
        load_if_exists=True,
    )
    for interrupted in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(interrupted.number, state=TrialState.FAIL)
    while len(finished := study.get_trials(states=[TrialState.COMPLETE])) < plan.search.trials:
        study.sampler = optuna.samplers.TPESampler(seed=FIRST_TUNING_SEED + len(finished))
        trial = study.ask()
        value = judge(plan, choices, FULL, suggest(trial, plan.search), path, where)
        study.tell(trial, value)
        done = f"trial {len(finished) + 1} of {plan.search.trials}"
        print(f"{done}: {value:.5f} with {trial.params}; best {study.best_value:.5f}", flush=True)
    return finished


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--study", type=Path, required=True, help="where the study is stored (.db)")
    arguments = parser.parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    name = arguments.reading or plan.design.reading
    try:
        choices = reading(name)
    except ValueError as error:
        parser.error(str(error))
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _, about = data.stream(arguments.data, 1, choices, [FIRST_TUNING_SEED], where, held_out=plan.search.held_out)
    used = {"training": protocol.as_dict(plan.training), "search": protocol.as_dict(plan.search)}
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="sticky_gradient",
        stage="search",
        scale=arguments.scale,
        seeds=[FIRST_TUNING_SEED],
        protocol=used,
        data=[about],
        device=where,
    ) as measured:
        measured["reading"] = name
        finished = search(plan, name, choices, arguments.data, about, arguments.study, where)
        # counted anew: a trial that was interrupted has a number, too
        trials = [(number, trial.params, trial.value) for number, trial in enumerate(finished)]
        for number, condition in ((PUBLISHED, FULL), (NO_METHOD, CONTROL)):
            given = protocol.as_dict(plan.attractor) if number == PUBLISHED else {}
            trials.append((number, given, judge(plan, choices, condition, plan.attractor, arguments.data, where)))
        records.write_table(arguments.out, [_row(name, *trial) for trial in trials])


def _row(name: str, number: int, values: dict, value: float) -> dict:
    hyperparameters = {key: values.get(key, math.nan) for key in HYPERPARAMETERS}
    return {"reading": name, "trial": number, "seed": FIRST_TUNING_SEED, **hyperparameters, "objective": value}


if __name__ == "__main__":
    stage.run(main)
