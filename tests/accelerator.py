"""A pretended accelerator: what runs on it is computed by the CPU, but its tensors and the CPU's do not mix.

A machine without a GPU cannot try the code on one.  What it can try is what goes wrong there first: a tensor that was left
behind on the CPU, a NumPy view of one that is not there, a random generator of the wrong device.  Numbers are those of the
CPU's kernels; of CUDA's own kernels nothing is learned here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

ACCELERATOR = torch.device("meta")  # the one device besides the CPU that every build of torch knows

_ops = torch.ops.aten
_TO_HERE = {_ops._to_copy.default, _ops.copy_.default}  # may read from one device and write to the other
_INDEX = {_ops.index.Tensor, _ops.index_put_.default, _ops.index_put.default}  # take indices from the CPU, as CUDA does


class MixedDevices(RuntimeError):
    """An operation was given tensors of both devices, which CUDA refuses."""


class Remote(Tensor):
    """A tensor on the accelerator; `held` has its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Self:
        remote = Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=ACCELERATOR
        )
        remote.held = held
        return remote

    def tolist(self):  # which torch refuses subclasses
        return self.held.tolist()

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})


class _Accelerator(TorchDispatchMode):
    """Also sees what has no remote tensor among its arguments: factories, and copies from the CPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _compute(function, args, kwargs or {})


def _compute(function, args, kwargs):
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    remote = [tensor for tensor in tensors if isinstance(tensor, Remote)]
    mixes = remote and any(tensor.dim() for tensor in tensors if not isinstance(tensor, Remote))
    if mixes and function not in _TO_HERE | _INDEX:
        raise MixedDevices(f"{function}: {[(str(tensor.device), tuple(tensor.shape)) for tensor in tensors]}")
    wanted = kwargs.get("device")
    if wanted is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    stays = bool(remote) and function is not _ops._local_scalar_dense.default
    here = stays if wanted is None else torch.device(wanted) == ACCELERATOR
    if function is _ops.copy_.default:
        here = isinstance(args[0], Remote)
    known = {id(tensor.held): tensor for tensor in remote}  # operations in place return what they were given
    found = function(*tree_map(_held, args), **tree_map(_held, kwargs))
    if not here:
        return found
    found = tree_map(lambda leaf: known[id(leaf)] if id(leaf) in known else _remote(leaf), found)
    if torch.Tag.inplace_view in function.tags:  # the remote tensor has to change its shape too
        return return_and_correct_aliasing(function, args, kwargs, found)
    return found


def _held(leaf):
    return leaf.held if isinstance(leaf, Remote) else leaf


def _remote(leaf):
    return Remote(leaf) if isinstance(leaf, Tensor) else leaf


@contextmanager
def pretended(monkeypatch) -> Iterator[None]:
    """Within it, every stage runs on the accelerator, whatever device it asks for."""
    generator, tensor = torch.Generator, torch.tensor
    with monkeypatch.context() as patch, _Accelerator():
        patch.setattr("common.running.devices.select", lambda *_, **__: ACCELERATOR)
        patch.setattr(torch, "Generator", lambda device="cpu": generator())
        patch.setattr(torch, "tensor", lambda data, dtype=None, device="cpu": tensor(data, dtype=dtype).to(device))
        yield
