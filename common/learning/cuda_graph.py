"""A function recorded once as a CUDA graph and replayed from then on.

A training step of a small network is some eighty kernels of a few microseconds each: Python takes several times longer to
hand them to a GPU one by one than the GPU to run them. A graph hands them over all at once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


class Replay:
    """Calls a function of one tensor on a GPU, that may change other tensors in place, by replays: the same numbers, sooner.

    A replay repeats the kernels of the recording on the same memory, and nothing else. So what the function reads and
    changes must stay where it is, and in Python it may neither draw random numbers nor count nor branch on values. Calls
    whose argument has another shape than the first one's, such as an epoch's smaller last batch, are computed as written.

    The tensor returned is the next call's to overwrite. The function is no member, or methods would keep themselves alive.
    """

    def __init__(self) -> None:
        self._shape: torch.Size | None = None
        self._replay: Callable[[], None] | None = None
        self._argument: Tensor
        self._result: Tensor

    def __call__(self, function: Function, argument: Tensor) -> Tensor:
        """The function, the same in all calls, of the argument."""
        if self._shape is None:  # as written: kernels are loaded and handles made by it, which a recording must not do
            self._shape = argument.shape
            return function(argument)
        if argument.shape != self._shape:
            return function(argument)
        if self._replay is None:
            self._argument = argument.clone()
            self._replay, self._result = record(function, self._argument)
        self._argument.copy_(argument)
        self._replay()
        return self._result


def record(function: Function, argument: Tensor) -> tuple[Callable[[], None], Tensor]:
    """What replays the function on the argument's memory, and the tensor with its result; computes nothing yet."""
    gc.collect()  # an older graph must not be freed while this one is recorded
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function(argument)
    return graph.replay, result
