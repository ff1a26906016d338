"""The learning rate of domain transfer: final recall for every rate of the grid, on seeds and images used for nothing else.

    python -m papers.tsar.tune --scale smoke --condition grow --meta-learning-set rich \\
        --imagenet data/smoke/imagenet.npz --models grow-tuning.pt --out tune.csv

Writes one row per tuning seed and learning rate (.csv) and the record (.json).
"""

from __future__ import annotations

from common.results import tables
from common.running import stage
from papers.tsar import data, saved_models
from papers.tsar.data import DatasetOnDevice
from papers.tsar.network import Network
from papers.tsar.protocol import FIRST_TUNING_SEED, Transfer, grid_of_rates
from papers.tsar.runs import REGISTER
from papers.tsar.transfer import fresh, learn_in_sequence, options


def final_recall(
    network: Network, images: DatasetOnDevice, settings: Transfer, rate: float, seed: int, label: str
) -> float:
    """Return recall after the last class of a tuning seed; 0 if the rate diverges. Trains the network in place."""
    try:
        ((_, recall),) = learn_in_sequence(
            network, images, settings, rate, seed, (settings.classes,), f"{label}, learning rate {rate:g}", tuning=True
        )
    except stage.TrainingError as error:  # a rate that diverges has lost, and the others go on
        print(f"{error}: this rate counts as recall 0", flush=True)
        return 0.0
    return recall


def main() -> None:
    arguments = options(__doc__).parse_args()
    condition = arguments.condition
    names = {"condition": condition, "meta_learning_set": arguments.meta_learning_set}
    job = stage.Job(REGISTER, "tune", arguments, of=names)
    settings = job.settings.transfer
    images = data.imagenet(arguments.imagenet, job.device)
    seeds = [FIRST_TUNING_SEED + number for number in range(job.settings.design.tuning_seeds)]
    models = saved_models.load(arguments.models, seeds, saved_models.origin_of(**names, settings=job.settings))
    meta_learning_data, commits = saved_models.sources(arguments.models)
    rows = []
    with job.record(arguments.out, data=[images.about, *meta_learning_data], seeds=seeds) as measured:
        measured["meta_learning_commits"] = commits
        for seed, model in models.items():
            network = fresh(condition, job.settings.network, seed, model, job.device)
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            label = f"tuning {condition} {arguments.meta_learning_set} seed {seed}"
            for rate in getattr(settings, grid_of_rates(condition)):
                network.load_state_dict(initial)
                recall = final_recall(network, images, settings, rate, seed, label)
                rows.append({"seed": seed, **names, "learning_rate": rate, "recall": recall})
        tables.write(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
