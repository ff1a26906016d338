"""What every stage shares: its command line, the job it does, and errors a user can act on without a traceback."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from common.data import load
from common.data.catalog import DataError
from common.data.files import WriteError, check_outputs, inputs, written
from common.results import records
from common.running import code, command_line, devices, launcher, protocols
from common.running.checkpoints import Checkpoint
from common.running.devices import DeviceError
from common.running.protocols import SCALES
from common.running.register import Register

MOST_SEEDS = 1000  # in a job; those of tuning begin at 1000


class TrainingError(RuntimeError):
    """Training went wrong in a way that a longer run cannot mend: a loss that is not finite, say."""


class Job:
    """One run of a stage: the settings it reads, its device, its checkpoint and its record.

    arguments: of the command line (`parser`); of: what tells this job from others of the stage, such as benchmark,
    condition and seeds, under the names that the rule's wildcards have; device: in place of the command line's; wide:
    whether layers have hundreds of units (`devices.select`). Options whose paths get into each other's way are refused
    (`files.check_outputs`), files that are not what their records say, other data sets than the stage takes, negative numbers,
    and values set with --set that this job does not read. What the job may read of the protocol, its checkpoint's key and its
    record all follow from the stage's entry in the register.
    """

    def __init__(
        self,
        register: Register,
        stage: str,
        arguments: argparse.Namespace,
        of: Mapping[str, Any],
        device: str | None = None,
        wide: bool = False,
    ) -> None:
        check_outputs(vars(arguments))
        for path in inputs(vars(arguments)):
            records.check(path)
        for name, value in vars(arguments).items():
            protocols.check_not_negative(f"--{name.replace('_', '-')}", value)
        self.register, self.stage, self.scale, self.of = register, stage, arguments.scale, dict(of)
        self.settings = register.settings(stage, arguments.scale, self.of, arguments.set)
        self.settings.check_read(arguments.set)
        for name, sets in register.stages[stage].data_of(self.of).items():
            load.check_sets(f"--{name}", getattr(arguments, name), sets)
        self.code = code.digest(f"{register.package}.{stage}")
        self.device: torch.device = devices.select(
            device or arguments.device, matmul_precision=arguments.matmul_precision, wide=wide
        )

    def checkpoint(
        self,
        path: Path | None,
        data: Iterable[dict],
        interval_seconds: float = 300,
        without: Iterable[str] = (),
        **found: Any,
    ) -> Checkpoint | None:
        """Return the job's checkpoint, that only the same settings, code and data resume; None without a path.

        data: the `about` of each data set; without: settings ("section.key") that say how far to go, and change nothing
        before that; found: what else the job's numbers depend on, such as a tuned value.
        """
        if path is None:
            return None
        settings = self.settings.as_dict()
        for name in without:
            section, _, setting = name.partition(".")
            settings[section].pop(setting, None)
        key = {"settings": settings, "code": self.code, "of": self.of, "data": list(data), "found": found}
        return Checkpoint(path, protocols.digest(key), interval_seconds)

    @contextlib.contextmanager
    def record(
        self,
        path: Path,
        data: Iterable[dict],
        seeds: Iterable[int],
        title: str | None = None,
        others: Iterable[Path | None] = (),
        checkpoint: Checkpoint | None = None,
    ) -> Iterator[dict]:
        """The context in which the result at `path` is made, and its record written beside it (`records.record`).

        title: what the record calls the stage, if not by its name: parts of one table have the same; others: further tables
        that are made (None: one that is not), each of which is collected on its own and gets the record as well; checkpoint:
        the job's, which is deleted at the end.
        """
        record = path.with_suffix(".json")
        about = {"paper": self.register.paper, "stage": title or self.stage, "scale": self.scale, "seeds": list(seeds)}
        about |= {"protocol": self.settings.as_dict(), "protocol_digest": self.settings.digest, "code": self.code}
        data, tables = list(data), [path, *filter(None, others)]
        for table in tables:
            records.check_kept(table.with_suffix(".json"), about | {"data": data})
        try:
            with records.record(record, about, data, self.device) as measured:
                if checkpoint is not None:
                    measured["resumed"] = checkpoint.path.exists()  # the times are then of the last part alone
                yield measured
            for table in tables[1:]:
                records.write(table.with_suffix(".json"), records.read(record))
        except WriteError as error:
            if checkpoint is None or not checkpoint.path.exists():
                raise
            raise WriteError(f"{error}, which goes on from the checkpoint {checkpoint.path}") from error
        if checkpoint is not None:
            checkpoint.delete()


def parser(description: str, *more: str) -> argparse.ArgumentParser:
    """An argument parser with --scale, --device, --matmul-precision, --set and --debug; more: further ones, of OPTIONS."""
    options = command_line.parser(description)
    options.add_argument("--scale", choices=SCALES, required=True)
    options.add_argument(
        "--device", type=command_line.device, default="auto", help="auto (CUDA where there is one), cpu, cuda or cuda:N"
    )
    options.add_argument(
        "--matmul-precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="of float32 matrix products and convolutions: high and medium allow TF32 or bfloat16 inside, where the device has them",
    )
    options.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one value of protocol.yaml"
    )
    for name in more:
        options.add_argument(f"--{name}", **OPTIONS[name])
    return options


def seed_range(text: str) -> list[int]:
    """ "3-5" -> [3, 4, 5]"""
    found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
    seeds = range(int(found[1]), int(found[2] or found[1]) + 1) if found else ()
    if not 0 < len(seeds) <= MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of seeds such as 0-4, of at most {MOST_SEEDS}")
    return list(seeds)


def checked(check: Callable[[str], Any]) -> Callable[[str], str]:
    """Return the type of an option whose text is kept, or refused in the words of the ValueError that `check` raises."""

    def kept(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return kept


OPTIONS: dict[str, dict[str, Any]] = {  # that many stages have
    "seeds": {"type": seed_range, "required": True, "help": "a range such as 0-4"},
    "out": {"type": written(".csv"), "required": True, "help": "the table (.csv)"},
    "checkpoint": {"type": written(), "help": "where to keep the state, so that a killed run can go on"},
}


def run(main: Callable[[], None]) -> None:
    """Call main; an error that the user can cause is printed as one line, and ends the process with status 1.

    The process also ends once the Snakemake that started it is gone.
    """
    launcher.end_with_it()
    command_line.run(main, DataError, DeviceError, TrainingError, torch.cuda.OutOfMemoryError)
