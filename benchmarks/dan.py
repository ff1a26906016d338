"""Speed of a meta-update of DAN's autoencoder: as compiled for CPUs, by torch's operations, and what this machine can do at all.

    python -m benchmarks.dan                                   one seed at paper width, on one thread
    python -m benchmarks.dan --scale desk --seeds 3
    python -m benchmarks.dan --set images.n_channels=25        smaller patches
    python -m benchmarks.dan --device cuda                     where nothing is compiled

A meta-update is a step of every model's VECs on its digit, and the phenotypes' gradient on the meta-batch, of random images.
The floor is the time of the necessary products and of the weights' traffic, at the rates measured in the same process.
"""

from __future__ import annotations

import torch

from common.learning.optimizers import Sgd
from common.learning.randomness import generator
from common.results import environment
from common.running import command_line, devices, protocols, stage
from common.running.machine import machine, measure
from papers.dan import method, runs
from papers.dan.model import ConvolutionalDan, build, initial_synapses, random_phenotypes
from papers.dan.protocol import Autoencoding
from papers.dan.runs import REGISTER


def products(settings: Autoencoding) -> tuple[int, int]:
    """Return the multiplications for one image on its way through a network: by VECs, and in DANs."""
    dan = ConvolutionalDan(settings.n_channels, settings.convolutions, settings.dan_hidden)
    convolved, side = 0, dan.side
    for n_in, n_out in zip(dan.convolutions, dan.convolutions[1:]):
        side -= dan.KERNEL - 1
        convolved += n_in * n_out * dan.KERNEL**2 * side**2
    in_dan = convolved + dan.flat * dan.hidden + dan.hidden
    return runs.synapses(settings), in_dan * sum(settings.nodes[1:])


def floor(settings: Autoencoding, seeds: int, rate: float, bandwidth: float) -> float:
    """Return the seconds of a meta-update at the machine's rates.

    rate: floating point operations a second; bandwidth: bytes a second. Of an image shown: forward, and backward to inputs and
    VECs; of one of the meta-batch: forward, and backward to inputs and phenotypes. Weights are read in each of the four
    passes, and written once.
    """
    synapses, in_dan = products(settings)
    shown = settings.images_per_task * (3 * synapses + 2 * in_dan)
    meta = settings.meta_batch * (2 * synapses + 3 * in_dan)
    return seeds * settings.population * (2 * (shown + meta) / rate + 5 * 4 * synapses / bandwidth)


def main() -> None:
    options = command_line.parser(__doc__)
    options.add_argument("--scale", choices=protocols.SCALES, default="paper")
    options.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    options.add_argument("--seeds", type=command_line.count, default=1)
    options.add_argument("--device", type=command_line.device, default="cpu")
    options.add_argument("--threads", type=command_line.count, default=1)
    options.add_argument("--repeats", type=command_line.count, default=5)
    arguments = options.parse_args()
    device = devices.select(arguments.device, arguments.threads)
    settings = REGISTER.protocol(arguments.scale, arguments.set).images
    rate, bandwidth, _ = machine(device)
    print(f"{environment.device_name(device)}, {arguments.threads} thread(s): ", end="")
    print(f"{rate / 1e9:.0f} GFLOP/s in float32 products, {bandwidth / 1e9:.0f} GB/s in updates")

    seeds, members = range(arguments.seeds), settings.population
    network = build(settings, "layer")
    theta = [tensor.to(device) for tensor in initial_synapses(network, seeds, members)]
    phi = [tensor.to(device) for tensor in random_phenotypes(network, seeds)]
    optimizer, source = Sgd(theta, 1e-3), generator(0, "images")
    shown, meta = (
        torch.rand(len(seeds) * members, count, settings.nodes[0], generator=source).to(device)
        for count in (settings.images_per_task, settings.meta_batch)
    )

    def update() -> None:
        method.learn_task(network, theta, method.for_population(phi, members), (shown, shown), optimizer)
        method.phenotype_gradients(network, theta, phi, members, (meta, meta))

    least = floor(settings, len(seeds), rate, bandwidth)
    for name in ("compiled", "torch") if device.type == "cpu" else ("torch",):
        network.dan.compiled = name == "compiled"
        cpu, wall = measure(update, arguments.repeats, device)
        print(f"{name}: {cpu:.3f} CPU s, {wall:.3f} s by the wall; floor {least:.3f} s ({least / wall:.0%})")
    print(", ".join(f"{name} {value}" for name, value in environment.peak_memory().items()))


if __name__ == "__main__":
    stage.run(main)
