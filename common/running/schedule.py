"""How long jobs take side by side, and what they hold on disk at its peak: the order of Snakemake's scheduler, played through."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """A job to be scheduled.

    seconds: how long it takes; inputs: files it reads; outputs: bytes of each file that it makes; temporary: those of them
    that are deleted once nothing needs them any more; state: bytes that it holds while it runs; priority: the higher goes
    first; on_gpu: whether it takes a GPU.
    """

    seconds: float
    inputs: Sequence[str]
    outputs: Mapping[str, float]
    temporary: frozenset[str] = frozenset()
    state: float = 0.0
    priority: float = 0.0
    on_gpu: bool = False


def play(items: Sequence[Item], cores: float, gpus: float = 1) -> tuple[float, float]:
    """Return the seconds until all is done on so many cores and GPUs, and the bytes on disk at the peak.

    A job can start once what makes its inputs is done. Of those that can, the one with the highest priority does.
    """
    maker = {file: number for number, item in enumerate(items) for file in item.outputs}
    before = [{maker[file] for file in item.inputs if file in maker} for item in items]
    after: list[list[int]] = [[] for _ in items]
    readers = {file: 0 for item in items for file in item.temporary}
    for number, item in enumerate(items):
        for other in before[number]:
            after[other].append(number)
        for file in readers.keys() & set(item.inputs):
            readers[file] += 1
    ready: dict[bool, list[tuple[float, int]]] = {True: [], False: []}  # of those on a GPU, and of the others

    def add(number: int) -> None:
        heapq.heappush(ready[items[number].on_gpu], (-items[number].priority, number))

    for number in range(len(items)):
        if not before[number]:
            add(number)
    running: list[tuple[float, int]] = []
    now = held = peak = 0.0
    while running or any(ready.values()):
        busy = sum(items[number].on_gpu for _, number in running)
        while len(running) < cores and (ready[False] or (ready[True] and busy < gpus)):
            on_gpu = bool(ready[True]) and busy < gpus and (not ready[False] or ready[True][0] < ready[False][0])
            _, number = heapq.heappop(ready[on_gpu])
            busy += on_gpu
            heapq.heappush(running, (now + items[number].seconds, number))
            held += items[number].state + sum(items[number].outputs.values())
        peak = max(peak, held)
        now, number = heapq.heappop(running)
        held -= items[number].state
        for file in items[number].inputs:
            if file in readers:
                readers[file] -= 1
                if not readers[file]:
                    held -= items[maker[file]].outputs[file]
        for other in after[number]:
            before[other].discard(number)
            if not before[other]:
                add(other)
    return now, peak
