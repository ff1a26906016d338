"""Train one method on one benchmark with the hyperparameters that its search found, for a batch of seeds.

    python -m studies.cross_benchmark.train --scale smoke --benchmark permuted --optimizer sgd --method si --seeds 0-1 \\
        --data data/smoke/mnist.npz --search search.csv --out accuracies.csv --cost cost.csv

Writes the accuracy on every task after every task (.csv), and what training took.
"""

from __future__ import annotations

import json
import math
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from common.learning.continual import Learner, Schedule, learn, rows
from common.learning.optimizers import Adam, Sgd
from common.results import records, tables
from common.running import stage
from studies.cross_benchmark import data
from studies.cross_benchmark.loading import method, told
from studies.cross_benchmark.methods import RATE, Method
from studies.cross_benchmark.model import PLASTIC, build
from studies.cross_benchmark.protocol import BENCHMARKS, OPTIMIZERS, Settings, name_of, section
from studies.cross_benchmark.runs import REGISTER


def learner(
    own: Method,
    benchmark: str,
    optimizer: str,
    settings: Settings,
    values: Mapping[str, float],
    seeds: Sequence[int],
    device: torch.device,
) -> Learner:
    """Return a fresh network with its optimizer and consolidation; replica r depends on seeds[r] alone.

    values: of the hyperparameters, the learning rate among them.
    """
    values = dict(values)
    rate, eta = values.pop(RATE), values.pop("eta") if own.plastic else None
    network = build(settings, data.classes(benchmark, settings.tasks), eta)
    parameters = [parameter.to(device) for parameter in network.initial(seeds)]
    slow = parameters[: len(parameters) - PLASTIC] if own.plastic else parameters
    learned = len(parameters) - own.plastic  # the trace is not learned

    def optimizing(tensors: list[Tensor]) -> Adam | Sgd:
        return Adam(tensors[:learned], rate) if optimizer == "adam" else Sgd(tensors[:learned], rate)

    return Learner(network, parameters, optimizing, own.make(slow, settings, **values))


def schedule(settings: Settings) -> Schedule:
    """Return how long tasks train; the optimizer starts anew in each."""
    return Schedule(settings.epochs, settings.batch, reset_optimizer=True)


def settings_of(job: stage.Job, benchmark: str) -> Settings:
    """Return the settings of a benchmark's runs."""
    return job.settings[section(benchmark)]


def found(path: Path, name: str, optimizer: str, digest: str = "") -> dict[str, float]:
    """Return the hyperparameters with the highest objective in a method's search (the first, if several).

    digest: of the user's file. Raises TrainingError if the table holds none of this method and optimizer, or if the search
    was one of another text of the file.
    """
    table = tables.read(path)
    if digest and records.read(path.with_suffix(".json"))["measured"].get("file_sha256") != digest:
        raise stage.TrainingError(
            f"the file of {name} was changed after {path} was searched: run the same command again"
        )
    trials = table[(table["condition"] == name) & (table["optimizer"] == optimizer)]
    if trials.empty:
        raise stage.TrainingError(
            f"{path} holds no search of {name} with {optimizer}: run studies.cross_benchmark.tune"
        )
    return json.loads(trials.loc[trials["objective"].idxmax(), "hyperparameters"])


def state_bytes(state: Any) -> int:
    """Return how many bytes the tensors of a learner's state hold."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    parts = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return sum(map(state_bytes, parts))


def options(description: str) -> ArgumentParser:
    """Return the command line that training and tuning share."""
    parser = stage.parser(description, "out")
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, required=True)
    parser.add_argument(
        "--method", type=stage.checked(method), required=True, help="finetune, ewc, dhp_si, ..., or a file of your own"
    )
    parser.add_argument("--data", required=True, help="the prepared data set of the benchmark")
    return parser


def job_of(name: str, arguments: Namespace, own: Method, **more: Any) -> stage.Job:
    """Return the job of a stage; own: the method."""
    of = {"benchmark": arguments.benchmark, "optimizer": arguments.optimizer, "method": name_of(arguments.method)}
    return stage.Job(REGISTER, name, arguments, of=of | more | ({"file": own.digest} if own.digest else {}), wide=True)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seeds", **stage.OPTIONS["seeds"])
    parser.add_argument("--search", type=Path, required=True, help="the table of studies.cross_benchmark.tune")
    parser.add_argument("--cost", type=stage.written(".csv"), required=True, help="seconds and bytes by seed (.csv)")
    arguments = parser.parse_args()
    own, name, seeds = method(arguments.method), name_of(arguments.method), arguments.seeds
    job = job_of("train", arguments, own, seeds=seeds)
    benchmark, optimizer = arguments.benchmark, arguments.optimizer
    settings = settings_of(job, benchmark)
    values = found(arguments.search, name, optimizer, own.digest)
    stream, about = data.stream(benchmark, settings.tasks, arguments.data, seeds, job.device, own.joint)
    recording = job.record(arguments.out, [about], seeds, f"train {benchmark}", [arguments.cost])
    with recording as measured, told(arguments.method):
        learning = learner(own, benchmark, optimizer, settings, values, seeds, job.device)
        learning.may_diverge = True
        clock = time.process_time if job.device.type == "cpu" else time.perf_counter
        started = clock()
        matrices = learn(learning, stream, schedule(settings), seeds, f"{benchmark} {name}")
        seconds = clock() - started
        state = learning.state_dict()
        kept = state["consolidation"] if learning.consolidation.strength else []  # at 0 there is nothing to remember
        held = state_bytes([state["parameters"], state["optimizer"], kept])
        run = {"optimizer": optimizer, "condition": name}
        measured |= {"file_sha256": own.digest} if own.digest else {}
        measured |= {
            **run,
            **values,
            "diverged": [run | {"seed": seed, "at": at} for seed, at in learning.diverged.items()],
        }
        accuracies = rows(name, seeds, matrices, len(stream.evaluated))
        tables.write(arguments.out, [{"optimizer": optimizer} | row for row in accuracies])
        share = {"seconds": seconds / len(seeds), "bytes": held / len(seeds)}
        share["seconds"] = math.nan if learning.diverged else share["seconds"]  # those stop early
        tables.write(arguments.cost, [run | {"seed": seed} | share for seed in seeds])


if __name__ == "__main__":
    stage.run(main)
