"""The learning rate of domain transfer: final recall for every rate of the grid, on seeds and images used for nothing else.

    python -m papers.tsar.tune --scale smoke --treatment grow --condition rich \\
        --imagenet data/smoke/imagenet.npz --models grow-tuning.pt --out tune.csv

Writes one row per tuning seed and learning rate (.csv) and the provenance (.json).
"""

from __future__ import annotations

from common import device, protocol, records, stage
from papers.tsar import data, models
from papers.tsar.model import Network, Tsar
from papers.tsar.protocol import FIRST_TUNING_SEED, PROTOCOL, Protocol, Transfer
from papers.tsar.transfer import fresh, learn_in_sequence, options, settings_behind


def final_recall(
    network: Network, images: data.Images, settings: Transfer, rate: float, seed: int, label: str
) -> float:
    """Recall after the last class of a tuning seed; 0 if the rate diverges. Trains the network in place."""
    try:
        ((_, recall),) = learn_in_sequence(
            network, images, settings, rate, seed, True, (settings.classes,), f"{label}, learning rate {rate:g}"
        )
    except stage.TrainingError as error:  # a rate that diverges has lost, and the others go on
        print(f"{error}: this rate counts as recall 0", flush=True)
        return 0.0
    return recall


def main() -> None:
    arguments = options(__doc__).parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
    images = data.imagenet(arguments.imagenet, where)
    seeds = [FIRST_TUNING_SEED + i for i in range(plan.design.tuning_seeds)]
    of_seed = models.load(arguments.models, seeds, arguments.treatment, arguments.condition, plan)
    behind, commits = models.sources(arguments.models)
    rows = []
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="tsar",
        stage="tune",
        scale=arguments.scale,
        seeds=seeds,
        protocol=settings_behind(plan),
        data=[images.about, *behind],
        device=where,
    ) as measured:
        measured["meta_learning_commits"] = commits
        for seed, model in of_seed.items():
            network = fresh(arguments.treatment, plan, seed, model, where)
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            regulated = isinstance(network, Tsar)
            rates = plan.transfer.learning_rates if regulated else plan.transfer.baseline_learning_rates
            for rate in rates:
                network.load_state_dict(initial)
                label = f"tuning {arguments.treatment} {arguments.condition} seed {seed}"
                recall = final_recall(network, images, plan.transfer, rate, seed, label)
                rows.append(
                    {
                        "seed": seed,
                        "treatment": arguments.treatment,
                        "condition": arguments.condition,
                        "learning_rate": rate,
                        "recall": recall,
                    }
                )
        records.write_table(arguments.out, rows)


if __name__ == "__main__":
    stage.run(main)
