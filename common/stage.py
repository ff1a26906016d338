"""What every stage's command line has in common: its options, and errors a user can act on without a traceback."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from common.catalog import DataError
from common.device import DeviceError
from common.protocol import SCALES, ProtocolError


class TrainingError(RuntimeError):
    """Training went wrong in a way that a longer run cannot mend: a loss that is not finite, say."""


def parser(description: str) -> argparse.ArgumentParser:
    """An argument parser with --scale, --device, --matmul-precision and --set."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scale", choices=SCALES, required=True)
    options.add_argument("--device", default="auto", help="auto (CUDA where there is one), cpu, cuda or cuda:N")
    options.add_argument(
        "--matmul-precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="of float32 matrix products and convolutions: high and medium allow TF32 or bfloat16 inside, where the device has them",
    )
    options.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value of protocol.yaml"
    )
    return options


def seed_range(text: str) -> list[int]:
    """ "3-5" -> [3, 4, 5]"""
    first, _, last = text.partition("-")
    try:
        seeds = list(range(int(first), int(last or first) + 1))
    except ValueError:
        seeds = []
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of seeds such as 0-4")
    return seeds


def run(main: Callable[[], None]) -> None:
    """Calls main; an error that the user can mend is printed as one line and ends the process with status 1."""
    try:
        main()
    except (DataError, DeviceError, ProtocolError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
