"""Search for one method's hyperparameters on one benchmark: the same number of trials for each, whatever it searches.

    python -m studies.cross_benchmark.tune --scale smoke --benchmark permuted --optimizer sgd --method si \\
        --data data/smoke/mnist.npz --study study.db --out search.csv

Each trial trains the whole benchmark and is judged by the average accuracy after the last task, on held-out training images.
If a seed diverges, the trial ends there and counts as 0. Tasks, images and seeds are those of no reported run. The study is stored
after every trial, so that a killed search goes on.
"""

from __future__ import annotations

import json

import optuna

from common.learning.continual import learn
from common.learning.search import search
from common.results import tables
from common.running import protocols, stage
from studies.cross_benchmark import data
from studies.cross_benchmark.loading import method, told
from studies.cross_benchmark.methods import RATE
from studies.cross_benchmark.protocol import FIRST_TUNING_SEED, Cifar, name_of
from studies.cross_benchmark.train import job_of, learner, options, schedule, settings_of


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--study", type=stage.written(".db"), required=True, help="where the study is stored (.db)")
    arguments = parser.parse_args()
    own, name = method(arguments.method), name_of(arguments.method)
    job = job_of("tune", arguments, own)
    benchmark, optimizer = arguments.benchmark, arguments.optimizer
    settings, budget = settings_of(job, benchmark), job.settings.search
    seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + budget.tuning_seeds)
    held_out = settings.held_out if isinstance(settings, Cifar) else budget.held_out
    stream, about = data.stream(
        benchmark, settings.tasks, arguments.data, seeds, job.device, own.joint, held_out=held_out
    )
    ranges = {RATE: budget[optimizer], **own.searched}

    def judge(trial: optuna.Trial) -> float:
        values = {key: trial.suggest_float(key, *bounds, log=True) for key, bounds in ranges.items()}
        learning = learner(own, benchmark, optimizer, settings, values, seeds, job.device)
        try:
            matrices = learn(learning, stream, schedule(settings), seeds, f"{benchmark} {name}", evaluated="last")
        except stage.TrainingError as error:
            print(f"{error}: counts as 0", flush=True)
            return 0.0
        return float(matrices["test"][:, -1].mean())

    # a study of other settings, code, data or another file is not gone on with
    read = {"settings": job.settings.as_dict(), "code": job.code, "data": about["splits"], "file": own.digest}
    with job.record(arguments.out, [about], seeds, f"tune {benchmark}") as measured, told(arguments.method):
        measured |= {"file_sha256": own.digest} if own.digest else {}
        trials = search(arguments.study, protocols.digest(read), budget.trials, FIRST_TUNING_SEED, judge)
        run = {"optimizer": optimizer, "condition": name, "seed": FIRST_TUNING_SEED}
        rows = [
            run | {"trial": number, "hyperparameters": json.dumps(trial.params), "objective": trial.value}
            for number, trial in enumerate(trials)
        ]
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
