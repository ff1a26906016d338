"""What a machine can do at all: its rates of matrix products and of memory, and what a small operation takes.

python -m common.running.machine --device cpu        prints them as JSON, measured on one thread in a few seconds
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import torch

from common.running import command_line, devices
from common.running.costs import Rates

CPU_SIDE, GPU_SIDE, UPDATED = 2048, 8192, 2**26  # sizes of the matrix product and of the array that is updated
SMALL, CALLS = 64, 2000  # size of a small array, and how many operations on it are timed


def measure(work: Callable[[], object], repeats: int, device: torch.device) -> tuple[float, float]:
    """Return median CPU and wall seconds of `work`, after one call to warm up."""
    cpu, wall = [], []
    for repeat in range(repeats + 1):
        started = time.process_time(), time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if repeat:
            cpu.append(time.process_time() - started[0])
            wall.append(time.perf_counter() - started[1])
    return statistics.median(cpu), statistics.median(wall)


def machine(device: torch.device, by_cpu: bool = False) -> Rates:
    """Return the rates of a device by the wall; by_cpu: by CPU seconds, which other work on the machine changes little.

    The bandwidth is that of an update in place, as Adam's are: a copy also reads the lines that it overwrites. Small
    operations are measured on a processor alone: on a GPU the steps are replayed, and none is called.
    """
    side, clock = CPU_SIDE if device.type == "cpu" else GPU_SIDE, 0 if by_cpu else 1
    a, b = (torch.randn(side, side, device=device) for _ in range(2))
    array, small = torch.ones(UPDATED, device=device), torch.ones(SMALL, device=device)

    def many() -> None:
        for _ in range(CALLS):
            small.mul_(-1)

    product = measure(lambda: a @ b, 5, device)[clock]
    update = measure(lambda: array.mul_(-1), 5, device)[clock]
    operation = measure(many, 5, device)[clock] / CALLS if device.type == "cpu" else 0.0
    return Rates(2 * side**3 / product, 2 * 4 * len(array) / update, operation)


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--device", type=command_line.device, default="cpu")
    device = devices.select(parser.parse_args().device, threads=1)
    print(json.dumps(machine(device, by_cpu=device.type == "cpu")))


if __name__ == "__main__":
    command_line.run(main, devices.DeviceError)
