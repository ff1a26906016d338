"""What every command shares: a parser, finite numbers, and errors in one line. Nothing heavy is imported."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable

MOST = 10**9  # what no whole number exceeds
NO_MEMORY = "can't allocate memory"  # of torch's RuntimeError
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def parser(description: str, prog: str | None = None) -> argparse.ArgumentParser:
    """Return a parser with --debug, whose numbers are finite, and whole ones at most MOST."""
    plain = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(prog=prog, description=description, formatter_class=plain)
    options.register("type", float, finite)
    options.register("type", int, whole)
    options.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return options


def finite(text: str) -> float:
    """Return the number, or refuse one that is not finite in the words of an option."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text or not text.isascii():
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text!r}")
    return number


def whole(text: str) -> int:
    """Return the whole number, or refuse what is none, or is too large, in the words of an option."""
    if not re.fullmatch(r"[-+]?[0-9]{1,10}", text) or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number of at most {MOST}, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """Return the whole number, or refuse what is none, is below 1, or is too large, in the words of an option."""
    if (number := whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text!r}")
    return number


def device(text: str) -> str:
    """Return the name of a device, or refuse what is none in the words of an option; whether it is there is seen later."""
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"unknown device {text!r}; write auto, cpu, cuda or cuda:1")
    return text


def run(main: Callable[[], None], *more: type[Exception]) -> None:
    """Call main; an error that a user can cause is printed as one line and ends the process with status 1.

    more: such errors beside ValueError, KeyError, OSError and MemoryError. With --debug their traceback is shown.
    """
    errors: tuple[type[Exception], ...] = (ValueError, KeyError, OSError, MemoryError, *more)
    seen: tuple[type[Exception], ...] = (*errors, RuntimeError)
    try:
        main()
    except seen as error:
        if "--debug" in sys.argv or not (isinstance(error, errors) or NO_MEMORY in str(error)):
            raise
        print(f"error: {_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from None


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, KeyError):
        return f"there is no {text}; --debug shows where"
    without_memory = isinstance(error, MemoryError) or NO_MEMORY in text
    return f"there is not enough memory: {text}" if without_memory else text
