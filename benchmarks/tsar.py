"""Speed and memory of TSAR's two inner engines, against what this machine can do at all.

    python -m benchmarks.tsar                     paper width, one thread, second number at two threads: --threads 2
    python -m benchmarks.tsar --scale desk --device cuda

Prints CPU and wall seconds per meta-iteration and per transfer step (medians), the peak memory, and the share of the
machine's own measured matrix-product rate and copy bandwidth that the necessary arithmetic and traffic come to.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from common import device, environment, protocol
from common.randomness import generator
from papers.tsar.method import Optimizer, meta_gradient, transfer_context, transfer_step
from papers.tsar.model import build
from papers.tsar.protocol import Protocol

PROTOCOL = Path(__file__).parents[1] / "papers" / "tsar" / "protocol.yaml"


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
    """The machine's matrix-product rate in GFLOP/s and copy bandwidth in GB/s (bytes read and written), by the wall."""
    side = 3072 if where.type == "cpu" else 8192
    a, b = (torch.randn(side, side, device=where) for _ in range(2))
    source = torch.randn(2**27, device=where)
    target = torch.empty_like(source)
    product = measure(lambda: a @ b, 5, where)[1]
    copy = measure(lambda: target.copy_(source), 5, where)[1]
    return 2 * side**3 / product / 1e9, 2 * 4 * len(source) / copy / 1e9


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scale", choices=protocol.SCALES, default="paper")
    options.add_argument("--device", default="cpu")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--second-order", action="store_true")
    options.add_argument(
        "--matmul-precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="torch.set_float32_matmul_precision, to measure what reduced precision would bring",
    )
    arguments = options.parse_args()
    where = device.select(arguments.device, arguments.threads)
    torch.set_float32_matmul_precision(arguments.matmul_precision)
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale)
    rate, bandwidth = machine(where)
    print(
        f"{environment.device_name(where)}, {arguments.threads} threads: {rate:.0f} GFLOP/s, copies at {bandwidth:.1f} GB/s"
    )

    settings = plan.meta_learning
    network = build("grow", plan.network, generator(0, "network")).to(where)
    count = settings.inner_images + settings.outer_images
    images = torch.randn(count, 3, 28, 28, generator=generator(0, "images")).to(where) * 0.02
    labels = torch.randint(0, plan.network.outputs, (count,), generator=generator(0, "labels")).to(where)
    labels[: settings.inner_images] = 0
    optimizer = Optimizer(network, network.parameters(), settings.outer_learning_rate)

    def meta_iteration() -> None:
        meta_gradient(
            network,
            images,
            labels,
            settings.inner_images,
            settings.inner_learning_rate,
            arguments.second_order,
            settings.repeat_first_image,
        )
        optimizer.step()

    weights = network.output.weight.numel()
    cpu, wall = measure(meta_iteration, arguments.repeats, where)
    # masks, their gradient to the encoding, and the weight gradient: three products; Adam reads and writes three arrays
    floor = 6 * count * weights / rate / 1e9 + 24 * weights / bandwidth / 1e9
    print(f"meta-iteration: {cpu:.3f} CPU s, {wall:.3f} s; {floor / wall:.0%} of the floor of {floor:.3f} s")

    del optimizer
    optimizer = Optimizer(network, network.transfer_parameters(), 1e-3)
    context = transfer_context(network, images)
    step = iter(range(10**9))

    def transfer() -> None:
        i = next(step) % count
        transfer_step(network, context(slice(i, i + 1)), labels[i : i + 1], optimizer)

    cpu, wall = measure(transfer, 4 * arguments.repeats, where)
    floor = 28 * weights / bandwidth / 1e9  # one read for the masks, and Adam's six
    print(f"transfer step:  {cpu:.4f} CPU s, {wall:.4f} s; {floor / wall:.0%} of the floor of {floor:.4f} s")
    print(", ".join(f"{name} {value}" for name, value in environment.peak_memory().items()))


if __name__ == "__main__":
    main()
