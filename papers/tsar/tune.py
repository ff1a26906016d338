"""The learning rate of domain transfer: final recall for every rate of the grid, on seeds and images used for nothing else.

    python -m papers.tsar.tune --scale smoke --treatment grow --condition rich \\
        --imagenet data/smoke/imagenet.npz --models grow-tuning.pt --out tune.csv

Writes one row per tuning seed and learning rate (.csv) and the provenance (.json).
"""

from __future__ import annotations

from common import device, protocol, records, stage
from papers.tsar import data
from papers.tsar.model import Tsar
from papers.tsar.protocol import FIRST_TUNING_SEED, PROTOCOL, Protocol
from papers.tsar.transfer import abouts, fresh, learn_in_sequence, models, options


def main() -> None:
    arguments = options(__doc__).parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
    images = data.imagenet(arguments.imagenet, where)
    seeds = [FIRST_TUNING_SEED + i for i in range(plan.design.tuning_seeds)]
    rows = []
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="tsar",
        stage="tune",
        scale=arguments.scale,
        seeds=seeds,
        protocol={"network": protocol.as_dict(plan.network), "transfer": protocol.as_dict(plan.transfer)},
        data=abouts(images, arguments.models),
        device=where,
    ):
        for seed, model in models(arguments.models, seeds).items():
            network = fresh(arguments.treatment, plan, seed, model, where)
            initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            regulated = isinstance(network, Tsar)
            rates = plan.transfer.learning_rates if regulated else plan.transfer.baseline_learning_rates
            for rate in rates:
                network.load_state_dict(initial)
                label = f"tuning {arguments.treatment} {arguments.condition} seed {seed}, learning rate {rate:g}"
                last = (plan.transfer.classes,)
                ((_, recall),) = learn_in_sequence(network, images, plan.transfer, rate, seed, True, last, label)
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
