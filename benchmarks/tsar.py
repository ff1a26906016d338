"""Speed and memory of TSAR's two engines, beside what this machine can do at all.

    python -m benchmarks.tsar meta                     one meta-iteration at paper width, on one thread
    python -m benchmarks.tsar transfer --threads 2     one step of domain transfer, bare and observed for the figures
    python -m benchmarks.tsar meta --scale desk --device cuda --second-order

Prints CPU and wall seconds (medians), the peak memory, and the floor. The floor is the time that the necessary arithmetic and
traffic take at the matrix-product rate and memory bandwidth measured in the same process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from common.learning.randomness import generator
from common.results import environment
from common.running import command_line, devices, protocols, stage
from common.running.machine import machine, measure
from papers.tsar.method import Optimizer, meta_gradient, replay_on, transfer_context, transfer_step
from papers.tsar.model import Tsar
from papers.tsar.network import ContextOf
from papers.tsar.observe import Activity
from papers.tsar.protocol import NAMED_BIASES, Protocol
from papers.tsar.runs import REGISTER

CLASSES = 3  # into which the benchmark's images are cut


def mask_gradient(network: Tsar, backward: Callable[[], object]) -> Tensor:
    """Return a sample of the gradient of the regulator's output matrix."""
    backward()
    ((g, x),) = network.output.factors
    network.output.factors.clear()
    return g[:, ::97].T @ x


def _observed_step(
    network: Tsar, labels: Tensor, protocol: Protocol, context: ContextOf, step: Callable[[Tensor], Tensor]
) -> Callable[[], None]:
    """Return what makes a step with all that transfer notes around it (`Activity`), for the images one after the other."""
    per_class = len(labels) // CLASSES
    observer = Activity(network, labels, CLASSES, per_class, protocol.analysis, np.random.default_rng(0))
    places = itertools.cycle(range(CLASSES * per_class))

    def observed() -> None:
        place = next(places)
        observer.before(place, context)
        step(torch.tensor([place], device=labels.device))
        observer.after(place, context)

    return observed


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("work", choices=("meta", "transfer"))
    parser.add_argument("--scale", choices=protocols.SCALES, default="paper")
    parser.add_argument("--device", type=command_line.device, default="cpu")
    parser.add_argument("--threads", type=command_line.count, default=1)
    parser.add_argument("--repeats", type=command_line.count, default=5)
    parser.add_argument("--second-order", action="store_true")
    parser.add_argument("--matmul-precision", choices=("highest", "high", "medium"), default="highest")
    arguments = parser.parse_args()
    device = devices.select(arguments.device, arguments.threads)
    protocol = REGISTER.protocol(arguments.scale)
    rate, bandwidth, _ = machine(device)
    print(f"{environment.device_name(device)}, {arguments.threads} thread(s): ", end="")
    print(f"{rate / 1e9:.0f} GFLOP/s in float32 products, {bandwidth / 1e9:.0f} GB/s in updates")

    settings = protocol.meta_learning
    network = Tsar(protocol.network, NAMED_BIASES["grow"], generator(0, "network")).to(device)
    weights = network.output.weight.numel()
    count = settings.inner_images + settings.outer_images
    images = torch.randn(count, 3, 28, 28, generator=generator(0, "images")).to(device) * 0.02
    labels = torch.randint(0, protocol.network.outputs, (count,), generator=generator(0, "labels")).to(device)
    labels[: settings.inner_images] = 0

    def backward(images: Tensor = images) -> Tensor:
        inner = (settings.inner_images, settings.inner_learning_rate)
        return meta_gradient(network, images, labels, *inner, arguments.second_order, settings.repeat_first_image)

    exact, replay = mask_gradient(network, backward), replay_on(device)
    devices.select(arguments.device, arguments.threads, arguments.matmul_precision)
    error = (mask_gradient(network, backward) - exact).norm() / exact.norm()

    if arguments.work == "meta":
        optimizer = Optimizer(network, network.parameters(), settings.outer_learning_rate)

        def iteration(images: Tensor) -> Tensor:
            loss = backward(images)
            optimizer.step()
            return loss

        cpu, wall = measure(lambda: replay(iteration, images), arguments.repeats, device)
        # masks, their gradient to the encoding, the weight gradient; Adam reads and writes three arrays
        floor = 6 * count * weights / rate + 24 * weights / bandwidth
    else:
        optimizer = Optimizer(network, network.transfer_parameters(), 1e-3)
        context, turn = transfer_context(network, images), itertools.cycle(torch.arange(count, device=device).split(1))

        def step(place: Tensor) -> Tensor:
            return transfer_step(network, context(place), labels[place], optimizer)

        cpu, wall = measure(lambda: replay(step, next(turn)), 5 * arguments.repeats, device)
        floor = 28 * weights / bandwidth  # one read for the masks, and Adam's six
        observed = _observed_step(network, labels, protocol, context, lambda place: replay(step, place))
        cpu_observed = measure(observed, 5 * arguments.repeats, device)[0]
    print(f"{arguments.work}: {cpu:.3f} CPU s, {wall:.3f} s by the wall; floor {floor:.3f} s ({floor / wall:.0%})")
    if arguments.work == "transfer":
        print(f"observed for the figures: {cpu_observed:.3f} CPU s, {cpu_observed / cpu:.2f} times the bare step")
    print(", ".join(f"{name} {value}" for name, value in environment.peak_memory().items()))
    if arguments.matmul_precision != "highest":
        print(f"gradient of the mask layer: relative error {error:.1e} at {arguments.matmul_precision} precision")


if __name__ == "__main__":
    stage.run(main)
