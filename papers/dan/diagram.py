"""The network of Figure 1 for real: a few DANs, joined by vectors of three weights, after they have learned a function.

    python -m papers.dan.diagram --scale smoke --out diagram.csv

Synapses and phenotype learn together here, with Adam, the product of the inputs: the picture is of the architecture,
not of a result.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from common.learning.optimizers import Adam
from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from papers.dan.method import task_gradients
from papers.dan.model import DanNetwork, PerceptronDan, initial_synapses, random_phenotypes
from papers.dan.protocol import Diagram
from papers.dan.runs import REGISTER

RATE, BATCH = 0.01, 32
EXAMPLE = (0.8, -0.5)  # the input whose way through the network is drawn


def learned(settings: Diagram) -> tuple[DanNetwork, list[Tensor], list[Tensor]]:
    """Return a network that has learned x_1 x_2 with all its parameters, and its theta and phi."""
    network = DanNetwork(settings.nodes, PerceptronDan(settings.n_channels, settings.hidden), (), "network")
    theta, phi = initial_synapses(network, [0]), random_phenotypes(network, [0])
    optimizer, source = Adam([*theta, *phi], RATE), generator(0, "inputs")
    for _ in range(settings.steps):
        inputs = 2 * torch.rand(1, BATCH, settings.nodes[0], generator=source) - 1
        optimizer.step(task_gradients(network, theta, phi, (inputs, inputs.prod(2, keepdim=True)), plastic=True))
    return network, theta, phi


def rows(network: DanNetwork, theta: list[Tensor], phi: list[Tensor], inputs: Tensor) -> list[dict]:
    """Return the table: weights of the VECs, outputs of the nodes for one input [n], weights of the phenotype."""
    table, channels = [], network.dan.n_channels
    for layer, (n, m) in enumerate(pairwise(network.nodes)):
        weights = theta[2 * layer][0].view(n, m, channels)
        for node in range(n):
            for target in range(m):
                place = {"kind": "synapse", "layer": layer, "node": node, "target_layer": layer + 1, "target": target}
                values = enumerate(weights[node, target].tolist())
                table += [place | {"channel": channel, "value": value} for channel, value in values]
    nowhere = {"target_layer": -1, "target": -1, "channel": -1}
    for layer, outputs in enumerate(network.layers(theta, phi, inputs[None, None])):
        of_nodes = enumerate(outputs.flatten().tolist())
        table += [
            {"kind": "node", "layer": layer, "node": node} | nowhere | {"value": value} for node, value in of_nodes
        ]
    for layer, weight in enumerate(phi[::2]):
        for (row, column), value in zip(
            torch.cartesian_prod(*map(torch.arange, weight[0, 0].shape)).tolist(), weight.flatten().tolist()
        ):
            place = {"kind": "phenotype", "layer": layer, "node": row, "target_layer": -1, "target": column}
            table.append(place | {"channel": -1, "value": value})
    return table


def main() -> None:
    parser = stage.parser(__doc__, "out")
    arguments = parser.parse_args()
    job = stage.Job(REGISTER, "diagram", arguments, of={}, device="cpu")
    with job.record(arguments.out, data=[], seeds=[]):
        tables.write(arguments.out, rows(*learned(job.settings.diagram), torch.tensor(EXAMPLE)))


if __name__ == "__main__":
    stage.run(main)
