"""What every bad input must meet: one line that says what and where, before any work begins."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from common.results import records
from common.running import stage

HERE = Path(__file__).parent
LONGEST = 2000  # characters of the one line


class Fault(NamedTuple):
    """A bad input: its name, what a user would do with it, what the refusal must name, and what prints it."""

    name: str
    act: Callable[[], object]
    says: tuple[str, ...]
    run: Callable[[Callable[[], object]], None] = stage.run


class WorkBegan(BaseException):
    """A job's record was begun: all that it reads was accepted."""


def begin(*_: object, **__: object) -> None:
    """In place of `records.record`."""
    raise WorkBegan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is tried here is slow."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def all_refused(request, capsys, monkeypatch):
    """Check bad inputs: a function of an iterable of Faults, which counts them by their outcome."""

    def outcome(fault: Fault) -> tuple[str, str]:
        capsys.readouterr()
        try:
            fault.run(fault.act)
        except SystemExit as end:
            said = end.code if isinstance(end.code, str) else capsys.readouterr().err
            lines = [line for line in said.strip().splitlines() if not line.startswith("Device: ")]
            if end.code == 2:  # above the error argparse prints how the command is used
                del lines[:-1]
            line = lines[0] if len(lines) == 1 else ""
            one = "error: " in line and len(line) < LONGEST
            missing = [part for part in fault.says if part not in line]
            told = one and not missing and "Traceback" not in line
            return ("refused", "") if told else ("told otherwise", f"without {missing}: {lines}")
        except WorkBegan:
            return "accepted", "work began"
        except Exception:  # noqa: BLE001 - whatever it is, it is counted
            return "tracebacks", traceback.format_exc(limit=-3)
        return "accepted", "nothing was said"

    def check(faults: Iterable[Fault]) -> None:
        monkeypatch.setattr(records, "record", begin)
        monkeypatch.setattr(sys, "argv", ["a command"])  # without --debug
        problems = []
        for fault in faults:
            kind, said = outcome(fault)
            request.node.user_properties.append(("fault", kind))
            problems += [f"{fault.name}: {kind}, {said}"] if said else []
        assert not problems, "\n".join(problems)

    return check
