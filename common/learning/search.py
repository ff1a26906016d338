"""A search for hyperparameters: trials of a tree-structured Parzen estimator, stored one by one, so that a killed one goes on."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
from optuna.exceptions import OptunaError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from common.data.catalog import reason
from common.running.stage import TrainingError


@contextlib.contextmanager
def alone(study_file: Path) -> Iterator[None]:
    """Have a study to oneself: what another process is at is waited for. Raises TrainingError if the file is no study.

    Two searches at once would both try what only one of them should.
    """
    study_file.parent.mkdir(parents=True, exist_ok=True)
    with study_file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{study_file}: another search is at this study; waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        except (OptunaError, SQLAlchemyError) as error:
            raise TrainingError(
                f"{study_file} is no study that can be gone on with ({reason(error)}): delete it, or end what else has it open"
            ) from error


def search(study_file: Path, name: str, count: int, seed: int, judge: Callable[[Trial], float]) -> list[FrozenTrial]:
    """Run the trials that are not done yet, and return all that are, in order.

    study_file: where the study is stored (.db); name: of the study: one of another name is not gone on with; count: of
    trials; seed: of the sampler; judge: takes a trial's suggestions and returns how good they are. The sampler depends on how
    many trials are done and on their outcomes alone, so that a resumed search is the same. Raises TrainingError as `alone`.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with alone(study_file):
        study = optuna.create_study(
            storage=f"sqlite:///{study_file}", study_name=name, direction="maximize", load_if_exists=True
        )
        for interrupted in study.get_trials(states=[TrialState.RUNNING]):
            study.tell(interrupted.number, state=TrialState.FAIL)
        while len(finished := study.get_trials(states=[TrialState.COMPLETE])) < count:
            study.sampler = optuna.samplers.TPESampler(seed=seed + len(finished))
            trial = study.ask()
            value = judge(trial)
            study.tell(trial, value)
            done = f"trial {len(finished) + 1} of {count}"
            print(f"{done}: {value:.5f} with {trial.params}; best {study.best_value:.5f}", flush=True)
    return finished
