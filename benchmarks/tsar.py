"""Speed and memory of TSAR's two engines, beside what this machine can do at all.

    python -m benchmarks.tsar meta                     one meta-iteration at paper width, on one thread
    python -m benchmarks.tsar transfer --threads 2     one step of domain transfer
    python -m benchmarks.tsar meta --scale desk --device cuda --second-order

Prints CPU and wall seconds (medians), the peak memory, and the floor: the time that the necessary arithmetic and traffic take
at the matrix-product rate and memory bandwidth measured in the same process.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.results import environment
from common.running import devices, protocols
from papers.tsar.method import Optimizer, meta_gradient, transfer_context, transfer_step
from papers.tsar.model import Network, build
from papers.tsar.protocol import PROTOCOL, Protocol

CPU_SIDE, GPU_SIDE, UPDATED = 3072, 8192, 2**26  # sizes of the matrix product and of the array that is updated


def measure(work: Callable[[], object], repeats: int, where: torch.device) -> tuple[float, float]:
    """Median CPU and wall seconds of `work`, after one call to warm up."""
    cpu, wall = [], []
    for repeat in range(repeats + 1):
        started = time.process_time(), time.perf_counter()
        work()
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        if repeat:
            cpu.append(time.process_time() - started[0])
            wall.append(time.perf_counter() - started[1])
    return statistics.median(cpu), statistics.median(wall)


def machine(where: torch.device) -> tuple[float, float]:
    """The machine's matrix-product rate in FLOP/s and memory bandwidth in B/s (read and written), by the wall.

    The bandwidth is that of an update in place, as Adam's are: a copy also reads the lines that it overwrites.
    """
    side = CPU_SIDE if where.type == "cpu" else GPU_SIDE
    a, b = (torch.randn(side, side, device=where) for _ in range(2))
    array = torch.ones(UPDATED, device=where)
    product = measure(lambda: a @ b, 5, where)[1]
    update = measure(lambda: array.mul_(-1), 5, where)[1]
    return 2 * side**3 / product, 2 * 4 * len(array) / update


def mask_gradient(network: Network, backward: Callable[[], object]) -> Tensor:
    """A sample of the gradient of the regulator's output matrix."""
    backward()
    ((g, x),) = network.output.factors
    network.output.factors.clear()
    return g[:, ::97].T @ x


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("work", choices=("meta", "transfer"))
    options.add_argument("--scale", choices=protocols.SCALES, default="paper")
    options.add_argument("--device", default="cpu")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--second-order", action="store_true")
    options.add_argument("--matmul-precision", choices=("highest", "high", "medium"), default="highest")
    arguments = options.parse_args()
    where = devices.select(arguments.device, arguments.threads)
    plan = protocols.read(PROTOCOL, Protocol, arguments.scale)
    rate, bandwidth = machine(where)
    print(f"{environment.device_name(where)}, {arguments.threads} thread(s): ", end="")
    print(f"{rate / 1e9:.0f} GFLOP/s in float32 products, {bandwidth / 1e9:.0f} GB/s in updates")

    settings = plan.meta_learning
    network = build("grow", plan.network, generator(0, "network")).to(where)
    weights = network.output.weight.numel()
    count = settings.inner_images + settings.outer_images
    images = torch.randn(count, 3, 28, 28, generator=generator(0, "images")).to(where) * 0.02
    labels = torch.randint(0, plan.network.outputs, (count,), generator=generator(0, "labels")).to(where)
    labels[: settings.inner_images] = 0

    def backward() -> None:
        inner = (settings.inner_images, settings.inner_learning_rate)
        meta_gradient(network, images, labels, *inner, arguments.second_order, settings.repeat_first_image)

    exact = mask_gradient(network, backward)
    torch.set_float32_matmul_precision(arguments.matmul_precision)
    error = (mask_gradient(network, backward) - exact).norm() / exact.norm()

    if arguments.work == "meta":
        optimizer = Optimizer(network, network.parameters(), settings.outer_learning_rate)
        cpu, wall = measure(lambda: (backward(), optimizer.step()), arguments.repeats, where)
        # masks, their gradient to the encoding, the weight gradient; Adam reads and writes three arrays
        floor = 6 * count * weights / rate + 24 * weights / bandwidth
    else:
        optimizer = Optimizer(network, network.transfer_parameters(), 1e-3)
        context, turn = transfer_context(network, images), itertools.cycle(range(count))

        def step() -> None:
            i = next(turn)
            transfer_step(network, context(slice(i, i + 1)), labels[i : i + 1], optimizer)

        cpu, wall = measure(step, 5 * arguments.repeats, where)
        floor = 28 * weights / bandwidth  # one read for the masks, and Adam's six
    print(f"{arguments.work}: {cpu:.3f} CPU s, {wall:.3f} s by the wall; floor {floor:.3f} s ({floor / wall:.0%})")
    print(", ".join(f"{name} {value}" for name, value in environment.peak_memory().items()))
    if arguments.matmul_precision != "highest":
        print(f"gradient of the mask layer: relative error {error:.1e} at {arguments.matmul_precision} precision")


if __name__ == "__main__":
    main()
