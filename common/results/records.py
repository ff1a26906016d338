"""Records: the JSON file beside every result that says where it came from, and merged for many.

Nothing heavy is imported at the top, because Snakemake reads this module each time it parses the workflow.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.data.catalog import DataError
from common.data.files import atomic_write
from common.results import environment

MERGED = {"device": "devices", "versions": "versions", "git": "commits", "protocol_digest": "protocol_digests"}
KINDS = {"paper": str, "stage": str, "scale": str, "seeds": list, "data": list}  # what every record has
TABLES = (".csv", ".npz")
KEPT = re.compile(r"/papers/\w+/recorded/")  # where results are kept
CHECKED = (*TABLES, ".pt")  # what stands beside a record and has its checksum in it
REDUCED = ("subset", "stand-in")  # completeness of data on which no result is a result


@contextlib.contextmanager
def record(path: str | Path, about: Mapping[str, Any], data: Iterable[dict], device: Any) -> Iterator[dict]:
    """Time the block and write where its result came from to the JSON file `path`, if the block ends normally.

    about: paper, stage, scale and seeds; protocol, the settings that were read, and protocol_digest; code, a digest of it;
    data: one `about` dict per data set; device: a torch device or its name. Yields the dict `measured`, in which the block
    leaves numbers such as iterations per second, and as "diverged" the runs that did: dicts that name the run, its "seed",
    and "at" which point.
    Paths are stored relative to the working folder; neither host nor user is recorded. Raises TypeError before the block
    begins if something given cannot be stored as JSON, and DataError for a stand-in at another scale than smoke.
    """
    data = list(data)
    for dataset in data:
        if about["scale"] != "smoke" and dataset.get("completeness") == "stand-in":
            raise DataError(
                f"{dataset['description']}: only the smoke scale takes stand-ins, this is {about['scale']}; give the real "
                f"set, which python -m common.data.prepare {dataset['name']} makes"
            )
    content = {
        **about,
        "data": data,
        "device": environment.device_name(device),
        "versions": environment.versions(),
        "git": environment.git_state(Path(__file__).resolve().parent),
        "command": ["python", *sys.orig_argv[1:]],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content = _portable(content)
    content["command"] = shlex.join(content["command"])
    json.dumps(content, default=_plain)  # what cannot be stored must fail now, not after hours of work
    measured: dict[str, Any] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    content["wall_seconds"] = round(time.perf_counter() - wall, 3)
    content["cpu_seconds"] = round(time.process_time() - cpu, 3)
    content |= environment.peak_memory()
    if diverged := measured.pop("diverged", []):
        content["diverged"] = diverged
    content["measured"] = _portable(measured)
    write(path, content)


def no_result(content: Mapping[str, Any]) -> bool:
    """Return whether what a record, or several merged, stands beside is no result: of smoke scale, or on a tiny subset or stand-ins."""
    return content["scale"] == "smoke" or any(about["completeness"] in REDUCED for about in content["data"])


def check_kept(path: str | Path, content: Mapping[str, Any]) -> None:
    """Raise ValueError if what is no result would be kept, in a folder recorded/, or another than the one that it replaces.

    path: where the record is to lie; content: what it says. The like of a result has the same paper, stage and scale.
    """
    if not KEPT.search(str((path := Path(path)).absolute())):
        return
    if no_result(content):
        raise ValueError(
            f"{path.parent} keeps results, and of smoke scale or on stand-ins there are none: write elsewhere"
        )
    kept = read(path) if path.exists() else content
    for key in ("paper", "stage", "scale"):
        if kept[key] != content[key]:
            raise ValueError(
                f"{path} keeps what has {key} {kept[key]!r}, and is replaced by its like only, not by {content[key]!r}: write "
                "elsewhere, or delete what is kept first"
            )


def write(path: str | Path, content: dict) -> None:
    """Write a record atomically, with the SHA-256 of the table, arrays or models that it stands beside, which come first."""
    content = {key: value for key, value in content.items() if key != "sha256"}  # which may be another table's
    if checksums := _checksums(Path(path)):
        content["sha256"] = checksums
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=_plain) + "\n")


def read(path: str | Path) -> dict:
    """Return a record. Raises FileNotFoundError or ValueError naming the file, or what beside it is not as it was written.

    An old record, without checksums, is taken as it is.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"record {path} does not exist: run the stage that writes it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"record {path} is not valid JSON ({error}): run its stage again") from error
    known = content.get("sha256", {}) if isinstance(content, dict) else None
    if not isinstance(known, dict) or not set(known) <= set(CHECKED):
        raise ValueError(
            f"record {path} is no record, or its checksums are not of {', '.join(CHECKED)}: run its stage again"
        )
    if lacking := [key for key, kind in KINDS.items() if not isinstance(content.get(key), kind)]:
        raise ValueError(f"record {path} has no entry {lacking[0]!r}, or one of another kind: run its stage again")
    for suffix, checksum in _checksums(path, known).items():
        if checksum != known[suffix]:
            raise ValueError(
                f"{path.with_suffix(suffix)} was changed after it was written: run its stage again, or take back the file "
                f"that belongs to {path.name}"
            )
    return content


def check(path: str | Path) -> None:
    """Raise ValueError if a table, arrays or models are not what the record beside them, if there is one, says."""
    if (beside := Path(path).with_suffix(".json")).exists():
        read(beside)


def read_merged(path: str | Path) -> dict:
    """Return the record of a table in the form that `merge` gives it, whether it was merged already or not."""
    content = read(path)
    return content if "parts" in content else merge({str(path): content})


def merge(parts: dict[str, dict]) -> dict:
    """Return one record for many; parts: by the name of its file, what `record` wrote or this function returned.

    Paper, stage and scale must be the same in all parts. Seeds are their sorted union; what may differ between parts
    (data, devices, versions, commits, protocol digests) is a list without repetitions; seconds are sums; runs that
    diverged are listed if there are any. The protocol is the union of what the parts read, and there only if no setting
    has two values; what was measured is there only if there is one part. Raises ValueError naming the parts that do not
    belong together.
    """
    if not parts:
        raise ValueError("merge: no record was given")
    merged: dict[str, Any] = {key: _shared(parts, key) for key in ("paper", "stage", "scale")}
    merged["seeds"] = sorted({seed for name in parts for seed in _entry(parts, name, "seeds")})
    merged["data"] = distinct([about for name in parts for about in _entry(parts, name, "data")])
    for key, plural in MERGED.items():
        merged[plural] = distinct([value for name in parts for value in _entries(parts, name, key)])
    if (protocol := _union([part.get("protocol") for part in parts.values()])) is not None:
        merged["protocol"] = protocol
    if diverged := distinct([run for part in parts.values() for run in part.get("diverged", [])]):
        merged["diverged"] = sorted(diverged, key=str)
    for key in ("wall_seconds", "cpu_seconds"):
        merged[key] = round(sum(_entry(parts, name, key) for name in parts), 3)
    merged["parts"] = sum(part.get("parts", 1) for part in parts.values())
    if len(parts) == 1 and "measured" in (only := next(iter(parts.values()))):
        merged["measured"] = only["measured"]
    return merged


def _checksums(record: Path, suffixes: Iterable[str] = CHECKED) -> dict[str, str]:
    """Return the SHA-256 of the files beside a record, by their suffix, of those that are there."""
    found = {}
    for suffix in suffixes:
        if (path := record.with_suffix(suffix)).is_file():
            with path.open("rb") as file:  # models may be larger than the memory
                found[suffix] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _union(protocols: list[dict | None]) -> dict | None:
    """Return the settings of all protocols together; None if a setting has two values, or one protocol is not known."""
    union: dict[str, dict] = {}
    for protocol in protocols:
        if protocol is None:
            return None
        for section, settings in protocol.items():
            known = union.setdefault(section, {})
            if any(known.get(key, value) != value for key, value in settings.items()):
                return None
            union[section] = known | settings
    return union


def _entry(parts: dict[str, dict], name: str, key: str) -> Any:
    if key not in parts[name]:
        raise ValueError(f"record {name} has no entry {key!r}: run its stage again")
    return parts[name][key]


def _entries(parts: dict[str, dict], name: str, key: str) -> list:
    """Return the values of `key`, of which a record that is merged already has a list."""
    return _entry(parts, name, MERGED[key]) if "parts" in parts[name] else [_entry(parts, name, key)]


def _shared(parts: dict[str, dict], key: str) -> Any:
    """Return the one value of `key` in all parts, or raise ValueError naming two parts that differ."""
    first = next(iter(parts))
    for name in parts:
        if _entry(parts, name, key) != _entry(parts, first, key):
            raise ValueError(
                f"the {key} of {name} is {parts[name][key]!r}, but of {first} {parts[first][key]!r}: "
                "only jobs of one paper, stage and scale belong in one table"
            )
    return parts[first][key]


def distinct(values: list) -> list:
    """Return the values without repetitions, in the order of their first appearance; they may be dicts."""
    return [value for index, value in enumerate(values) if value not in values[:index]]


def _portable(value: Any) -> Any:
    """Replace absolute paths in nested strings: relative to the working folder, outside of it the last part alone."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    if isinstance(value, str | Path):
        option, equals, text = str(value).rpartition("=")  # --out=/some/path as well as /some/path
        if not os.path.isabs(text):
            return str(value)
        inside = Path(text).is_relative_to(Path.cwd())
        return option + equals + (str(Path(text).relative_to(Path.cwd())) if inside else f".../{Path(text).name}")
    return value


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # numpy and torch scalars
        return value.item()
    raise TypeError(f"a record cannot store {value!r} of type {type(value).__name__} as JSON")
