"""Tables and records that are not what was written, and what may not be kept."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from common.results import collect, readers, records, tables
from common.running import command_line, register
from common.running.code import ROOT
from tests.faults.conftest import Fault
from tests.faults.test_protocols import PAPERS

MERGED = {"parts": 1, "protocol_digests": []}
RECORD = {"paper": "a", "stage": "train", "scale": "desk", "seeds": [0], "data": []}
KEPT = [path for paper in PAPERS for path in sorted((ROOT / f"papers/{paper}/recorded").glob("*.csv"))]


@functools.cache
def of_few_rows(source: Path) -> tuple[bytes, dict]:
    """A kept table, cut to its first rows, as bytes, and its record."""
    rows = tables.read(source)
    record = records.read(source.with_suffix(".json"))
    return (rows[:300] if "seed" in rows else rows).to_csv(index=False).encode(), record


def copied(source: Path, folder: Path, with_checksum: bool = True) -> Path:
    """Copy a table of few rows with its record, which as an old one may lack the checksum; return the table's path."""
    folder.mkdir(exist_ok=True, parents=True)
    content, record = of_few_rows(source)
    (path := folder / source.name).write_bytes(content)
    records.write(path.with_suffix(".json"), record)
    if not with_checksum:
        path.with_suffix(".json").write_text(json.dumps(record | {"sha256": {}}))
    return path


def of_text(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda content: change(content.decode()).encode()


EDITED = {  # known by the checksum alone
    "a digit more": lambda content: content.rstrip(b"\n") + b"1\n",
    "the last number cut": lambda content: content.rstrip(b"\n")[:-1] + b"\n",
    "a row less": lambda content: content[: content.rstrip(b"\n").rindex(b"\n") + 1],
    "a row twice": lambda content: content + content.splitlines(keepends=True)[-1],
    "line ends of Windows": lambda content: content.replace(b"\n", b"\r\n"),
    "no last line end": lambda content: content.rstrip(b"\n"),
    "a blank line": lambda content: content + b"\n",
}
BROKEN = {  # known without one
    "0 bytes": lambda content: b"",
    "a line end": lambda content: b"\n",
    "the header alone": lambda content: content[: content.index(b"\n") + 1],
    "no header": lambda content: content[content.index(b"\n") + 1 :],
    "a column alone": of_text(lambda text: "".join(f"{line.partition(',')[0]}\n" for line in text.splitlines())),
    "semicolons": of_text(lambda text: text.replace(",", ";")),
    "a cell more": lambda content: content.rstrip(b"\n") + b",1,2,3\n",
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "Latin-1": lambda content: content.replace(b",", "é,".encode("latin-1"), 1),
    "an open quote": lambda content: content + b'"1,',
    "zeros": lambda content: bytes(len(content)),
    "JSON": lambda content: b'{"rows": []}',
}


def readers_of(paper: str) -> dict[str, readers.Reader]:
    return importlib.import_module(f"papers.{paper}.results").READERS


def read_as_a_figure_would(paper: str, path: Path) -> None:
    readers.read([path], readers_of(paper))


DRAWN = [path for path in KEPT if path.stem in readers_of(path.parts[-3])]


@pytest.mark.parametrize("source", DRAWN, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_table_that_is_not_what_was_written_is_refused_by_name(tmp_path, all_refused, source):
    paper = source.parts[-3]
    faults = []
    for changes, with_checksum in ((EDITED, True), (BROKEN, True), (BROKEN, False)):
        for number, (fault, change) in enumerate(changes.items()):
            path = copied(source, tmp_path / f"{with_checksum}{len(faults)}", with_checksum)
            path.write_bytes(change(path.read_bytes()))
            faults.append(Fault(fault, partial(read_as_a_figure_would, paper, path), (str(path),), command_line.run))
    for number, (fault, change) in enumerate(RECORDS.items()):
        path = copied(source, tmp_path / f"record{number}")
        content = json.loads(path.with_suffix(".json").read_text())
        path.with_suffix(".json").write_bytes(change(content))
        says = (str(path.with_suffix(".json")) if "sha256" not in fault else str(path),)
        faults.append(Fault(f"record: {fault}", partial(read_as_a_figure_would, paper, path), says, command_line.run))
    alone = copied(source, tmp_path / "alone")
    alone.with_suffix(".json").unlink()
    other = copied(source, tmp_path / "other").rename(tmp_path / "other" / "no_such_table.csv")
    for fault, path in (
        ("no record", alone),
        ("another name", other),
        ("gone", tmp_path / source.name),
        ("a folder", tmp_path),
    ):
        faults.append(Fault(fault, partial(read_as_a_figure_would, paper, path), (path.stem,), command_line.run))
    all_refused(faults)


def as_json(content: object) -> bytes:
    return json.dumps(content).encode()


RECORDS: dict[str, Callable[[dict], bytes]] = {
    "0 bytes": lambda content: b"",
    "a list": lambda content: b"[]",
    "a number": lambda content: b"3",
    "null": lambda content: b"null",
    "a table": lambda content: b"seed,recall\n0,0.5\n",
    "truncated": lambda content: as_json(content)[:-20],
    "UTF-16": lambda content: json.dumps(content).encode("utf-16"),
    "Latin-1": lambda content: json.dumps(content | {"stage": "Höhe"}, ensure_ascii=False).encode("latin-1"),
    "no scale": lambda content: as_json({key: value for key, value in content.items() if key != "scale"}),
    "nothing": lambda content: b"{}",
    "sha256 of another": lambda content: as_json(content | {"sha256": {".csv": "0" * 64}}),
    "sha256 of no text": lambda content: as_json(content | {"sha256": {".csv": 3}}),
    "checksums as a list": lambda content: as_json(content | {"sha256": ["0" * 64]}),
    "checksums as text": lambda content: as_json(content | {"sha256": "0" * 64}),
    "no seeds": lambda content: as_json({key: value for key, value in content.items() if key != "seeds"}),
    "seeds as a number": lambda content: as_json(content | {"seeds": 3}),
    "data as text": lambda content: as_json(content | {"data": "MNIST"}),
}


def gather(out: Path, *parts: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["collect", "--out", str(out), *map(str, parts)])
        collect.main()


@pytest.mark.parametrize("paper", PAPERS)
def test_tables_that_do_not_belong_together_are_not_gathered(tmp_path, all_refused, paper):
    first, second = ([path for path in KEPT if path.parts[-3] == paper] * 2)[:2]
    one, two = copied(first, tmp_path / "one"), copied(second, tmp_path / "two")
    if one.name == two.name:
        two = copied(next(path for path in KEPT if path.parts[-3] != paper), tmp_path / "other")
    again, edited, wrong = (copied(first, tmp_path / name) for name in ("again", "edited", "wrong"))
    edited.write_bytes(edited.read_bytes() + b"\n")
    records.write(again.with_suffix(".json"), records.read(again.with_suffix(".json")) | {"scale": "smoke"})
    (alone := copied(first, tmp_path / "alone")).with_suffix(".json").unlink()
    out, _ = tmp_path / "all.csv", (tmp_path / "one.csv").mkdir()
    wanted = {
        "other columns or stages": ((one, two), one.stem),
        "other scales": ((one, again), "scale"),
        "given twice": ((one, one), "twice"),
        "edited": ((one, edited), str(edited)),
        "no record": ((one, alone), "alone"),
        "gone": ((one, tmp_path / "gone.csv"), "gone.csv"),
        "arrays and tables": ((one, tmp_path / "a.npz"), "a.npz"),
        "a record": ((one.with_suffix(".json"),), one.with_suffix(".json").name),
        "nothing": ((), "TABLE.csv"),
    }
    faults = [
        Fault(name, partial(gather, out, *parts), (says,), command_line.run) for name, (parts, says) in wanted.items()
    ]
    for name in ("all.json", "all.pdf", "all", "all.CSV", str(wrong.with_suffix(".json"))):
        faults.append(
            Fault(f"--out {name}", partial(gather, tmp_path / name, one), ("--out", "must end in"), command_line.run)
        )
    for name in (f"one/{one.name}/all.csv", "one.csv"):
        faults.append(Fault(f"--out {name}", partial(gather, tmp_path / name, one), ("--out", name), command_line.run))
    faults.append(Fault("as arrays", partial(gather, tmp_path / "all.npz", one), ("all.npz",), command_line.run))
    all_refused(faults)
    assert not out.exists()


@pytest.mark.parametrize("source", KEPT, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_what_is_kept_is_replaced_by_its_like_only(tmp_path, all_refused, source):
    folder = tmp_path / "papers" / source.parts[-3] / "recorded"
    kept = copied(source, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    record = records.read(kept.with_suffix(".json"))
    stand_in = {"name": "mnist", "completeness": "stand-in", "description": "stand-in for MNIST"}
    others = {
        "smoke scale": record | {"scale": "smoke"},
        "another scale": record | {"scale": "desk" if record["scale"] == "paper" else "paper"},
        "stand-ins": record | {"data": [stand_in]},
        "a subset": record | {"data": [stand_in | {"completeness": "subset"}]},
        "another paper": record | {"paper": "another"},
        "another stage": record | {"stage": "another"},
    }
    faults = []
    for name, other in others.items():
        path = copied(source, tmp_path / name)
        records.write(path.with_suffix(".json"), other)
        says = ("recorded", "write elsewhere")
        faults.append(Fault(name, partial(gather, kept, path), says, command_line.run))
        if "scale" in name or "stand-ins" in name:
            faults.append(Fault(f"{name}, with the kept", partial(gather, kept, kept, path), (), command_line.run))
    faults.append(
        Fault(
            "a new one",
            partial(gather, folder / "new.csv", tmp_path / "smoke scale" / source.name),
            says,
            command_line.run,
        )
    )
    all_refused(faults)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    gather(kept, copied(source, tmp_path / "like"))


def test_all_papers_have_kept_tables():
    assert {path.parts[-3] for path in KEPT} == set(PAPERS) and all(register.of(paper).tables for paper in PAPERS)
