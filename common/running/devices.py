"""Which device a stage runs on, and a clear word when it cannot."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import torch

from common.results import environment
from common.running import gpus
from common.running.command_line import DEVICE


class DeviceError(RuntimeError):
    """The requested device is unknown or absent, or this build of torch has no kernels for it."""


def select(
    name: str = "auto", threads: int | None = None, matmul_precision: str = "highest", wide: bool = False
) -> torch.device:
    """The device to run on: "cpu", "cuda" for a free GPU, "cuda:N", or "auto" for CUDA where it works and the CPU otherwise.

    Prints which it is, for the log.  Also sets the process-wide switches that every stage wants: the thread count; the
    precision of float32 matrix products (torch.set_float32_matmul_precision), by the library that is faster for wide layers
    if the stage has such, and of convolutions, which GPUs with TF32 otherwise round to ten bits; denormals flushed to zero
    (Adam's state of rarely lit pixels decays into denormals, which run at half speed); freed
    memory kept.  Raises DeviceError.
    """
    np.finfo(np.float32), np.finfo(np.float64)  # numpy works these out once, and warns if denormals are already flushed
    torch.set_flush_denormal(True)
    _keep_freed_memory()
    torch.set_float32_matmul_precision(matmul_precision)
    torch.backends.cudnn.allow_tf32 = matmul_precision != "highest"
    if threads:
        torch.set_num_threads(threads)
    device = _device(name)
    if wide and device.type == "cpu" and matmul_precision == "highest" and "AMD" in environment.device_name(device):
        _multiply_with_onednn()
    print(f"Device: {environment.device_name(device)}", file=sys.stderr, flush=True)
    return device


def _multiply_with_onednn() -> None:
    """Lets oneDNN multiply float32 matrices in the place of MKL, which does not use AVX-512 on AMD's processors.

    At "medium" torch asks oneDNN, and allows it bfloat16, which it takes on processors with units for it alone; whether
    this one does is seen from a product.  A step takes a tenth to a fifth less time in layers of 256 to 2,000 units, but
    half as much again in layers of tens.
    """
    torch.set_float32_matmul_precision("medium")
    if product_error() > 1e-5:
        torch.set_float32_matmul_precision("highest")


def product_error() -> float:
    """How far a product of float32 matrices is from the exact one: about 1e-6, and above 1e-4 with bfloat16 inside."""
    matrix = torch.arange(256.0**2).square_().sin_().view(256, 256)
    exact = matrix.double() @ matrix.double()
    return float((matrix @ matrix - exact).abs().max() / exact.abs().max())


def _device(name: str) -> torch.device:
    if not DEVICE.fullmatch(name):
        raise DeviceError(f"unknown device {name!r}; write auto, cpu, cuda or cuda:1")
    if name in ("auto", "cuda") and torch.backends.cuda.is_built():
        gpus.hold()  # before torch counts the devices, which it does once
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError(
            f"device {name!r} was asked for, but torch {torch.__version__} sees no CUDA device; use --device cpu (for the "
            "whole workflow --config device=cpu), or install a CUDA build of torch and check the driver with nvidia-smi"
        )
    device = torch.device("cuda" if name == "auto" else name)
    if (device.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise DeviceError(f"device {name!r} was asked for, but the last one here is cuda:{last}; ask for one there is")
    check_kernels(
        torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device), torch.cuda.get_arch_list()
    )
    return device


def _keep_freed_memory() -> None:
    """Tells glibc to keep large freed blocks instead of returning them to the system.

    Every large temporary would otherwise be fresh pages that the kernel must clear: a sixth of the time of a
    meta-iteration at full width.
    """
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):  # absent from musl
            M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h
            library.mallopt(M_MMAP_MAX, 0)
            library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
            library.mallopt(M_TOP_PAD, 2**26)


def check_kernels(device_name: str, capability: tuple[int, int], architectures: list[str]) -> None:
    """Raises DeviceError if a torch built for `architectures` (torch.cuda.get_arch_list()) cannot run on the device.

    Machine code runs on its own major version from its minor version up (sm_80 on 8.6); PTX (compute_XY) is compiled by
    the driver for any newer device.
    """
    major, minor = capability
    for architecture in architectures:
        kind, _, digits = architecture.partition("_")
        digits = digits.rstrip("abcdefghijklmnopqrstuvwxyz")
        version = (int(digits[:-1]), int(digits[-1]))
        if (kind == "sm" and version[0] == major and version[1] <= minor) or (
            kind == "compute" and version <= capability
        ):
            return
    raise DeviceError(
        f"{device_name} has compute capability {major}.{minor}, for which torch {torch.__version__} has no kernels (it has "
        f"{', '.join(architectures)}).  For a V100 (7.0) install the pinned requirements: torch 2.7.1 is the newest release "
        "whose default build still has them.  Or run on the processor with --device cpu."
    )
