"""Typed protocols: every hyperparameter of a paper in one YAML file, with smaller scales that say only what differs.

The file has one section per stage, and under it the scales: `paper` gives every value, `desk` and `smoke` override.
Imports nothing but yaml and the standard library, because Snakemake reads protocols while it parses the workflow.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
import sys
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from common.data import plain_yaml
from common.running.command_line import MOST

SCALES = ("paper", "desk", "smoke")
# What values can be, by their names. All other whole numbers are counts and at least 1, and no other number is negative.
SIGNED = re.compile(r".*bias(es)?")
FROM_ZERO = re.compile(r"padding|skips|meta_iterations")
BELOW_ONE = re.compile(r"beta\d|momentum|.*dropout_rate")
EMPTY = re.compile(r"skips|second_order|sweep_biases|controls|torch_start")  # lists that may name nothing
REPEATED = re.compile(r"hidden|nodes|channels|convolutions")  # sizes of layers; what else is listed is listed once

Schema = TypeVar("Schema")


class ProtocolError(ValueError):
    """A protocol file or an override that does not fit its schema; the message says where and what to change."""


def read(path: str | Path, schema: type[Schema], scale: str, overrides: Iterable[str] = ()) -> Schema:
    """Return the protocol in `path` at `scale` as an instance of `schema`.

    schema: a frozen dataclass with one frozen dataclass per section, whose fields are int, float, bool, str or tuple.
    overrides: strings "section.key=value" for runs by hand, applied last; the value is read as YAML.
    Every scale of the file is checked, not only the one asked for. Raises ProtocolError naming file, section and scale
    of an unknown, missing or wrongly typed entry, and of a value that cannot be.
    """
    if scale not in SCALES:
        raise ProtocolError(f"unknown scale {scale!r}{_closest(scale, SCALES)}")
    content = _load(Path(path))
    sections = typing.get_type_hints(schema)
    _check_names(f"{path}", "section", content, sections)
    chosen = {}
    for name, section in sections.items():
        chosen[name] = _read_section(f"{path}: section '{name}'", content[name], section, scale)
    overridden = set()
    for override in overrides:
        section_name, key, value = _read_override(override, sections)
        if (section_name, key) in overridden:
            raise ProtocolError(f"override {override!r}: {section_name}.{key} is set twice; set it once")
        overridden.add((section_name, key))
        chosen[section_name][key] = value
    built = {
        name: _build(f"{path}: section '{name}', scale '{scale}'", sections[name], chosen[name]) for name in sections
    }
    return _build(f"{path}: scale '{scale}'", schema, built)


class Settings:
    """The part of a protocol that a stage or a figure says it reads, section by section: `settings.training.epochs`.

    protocol: the whole protocol; reads: "section" or "section.key", each; whose: who reads, for the error message. Whatever
    was not named raises ProtocolError, so that nothing can depend on a value that does not make it run again; within: what
    stands before the names in that error.
    """

    def __init__(self, protocol: Any, reads: Iterable[str], whose: str, within: str = "") -> None:
        self._whose, self._within = whose, within
        self._sections: dict[str, Any] = {}
        for name in reads:
            section, _, key = name.partition(".")
            if not hasattr(protocol, section) or (key and not hasattr(getattr(protocol, section), key)):
                raise ProtocolError(f"{whose} says that it reads {name!r}, which the protocol does not have")
            if not key:
                self._sections[section] = getattr(protocol, section)
            else:
                part = self._sections.setdefault(section, Settings(None, (), whose, f"{section}."))
                if isinstance(part, Settings):  # otherwise the whole section is read anyway
                    part._sections[key] = getattr(getattr(protocol, section), key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name not in self._sections:
            raise ProtocolError(
                f"{self._whose} does not say that it reads '{self._within}{name}'; add it to REGISTER in the paper's runs.py"
            )
        return self._sections[name]

    def check_read(self, overrides: Iterable[str]) -> None:
        """Raise ProtocolError naming an override of a setting that was not named: it would change nothing."""
        for override in overrides:
            section, _, key = override.partition("=")[0].strip().partition(".")
            part = self._sections.get(section, {})
            if not part or (isinstance(part, Settings) and key not in part._sections):
                raise ProtocolError(
                    f"override {override!r}: {self._whose} does not read it in this job, so that nothing would change; what it "
                    f"reads: {', '.join(self._names()) or 'nothing'}"
                )

    def _names(self) -> list[str]:
        """Return what is read: "section", or "section.key"."""
        return [
            name
            for section, part in self._sections.items()
            for name in ([f"{section}.{key}" for key in part._sections] if isinstance(part, Settings) else [section])
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return what is read, as nested dicts."""
        return {
            name: value.as_dict() if isinstance(value, Settings) else as_dict(value)
            for name, value in sorted(self._sections.items())
        }

    @property
    def digest(self) -> str:
        """12 hex characters that change whenever a value that is read changes."""
        return digest(self.as_dict())


def as_dict(protocol: Any) -> dict:
    """Return a protocol, or one section of it, as nested dicts; a dict is returned as it is.

    A key that the schema has a default for is left out where it has that value: such a key is a switch that came later, and
    off it must not tell what is run now from what was run before.
    """
    if not dataclasses.is_dataclass(protocol):
        return protocol
    values = {field.name: (getattr(protocol, field.name), field.default) for field in dataclasses.fields(protocol)}
    return {
        name: as_dict(value) if dataclasses.is_dataclass(value) else value
        for name, (value, default) in values.items()
        if value != default
    }


def digest(protocol: Any) -> str:
    """Return 12 hex characters that change whenever a value of the protocol (or of the one section given) changes."""
    canonical = json.dumps(as_dict(protocol), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def departures(run: Mapping[str, Mapping[str, Any]], protocol: Any) -> dict[str, tuple[Any, Any]]:
    """Return the settings of a run that are not the protocol's, by "section.key": the run's value and the protocol's.

    run: what a record says that was read, as `as_dict` gave it. A key that the protocol no longer has departs from nothing, and
    one that came later was at its default then.
    """
    found = {}
    for section, settings in run.items():
        own_section = getattr(protocol, section, None)
        fields = dataclasses.fields(own_section) if dataclasses.is_dataclass(own_section) else ()
        later = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
        for key, value in (later | dict(settings)).items():
            own = json.loads(json.dumps(getattr(own_section, key, value)))  # lists, as in records
            if own != value:
                found[f"{section}.{key}"] = (value, own)
    return found


def check_positive(section: Any, *keys: str) -> None:
    """Raise ValueError naming a number of the section, or one in a list of them, that is not positive."""
    for key in keys:
        value = getattr(section, key)
        for number in value if isinstance(value, tuple) else (value,):
            if number <= 0:
                raise ValueError(f"{key} must be positive, not {number}")


def check_not_negative(option: str, value: Any) -> None:
    """Raise ValueError if the value of an option is a number below 0, or one in a list of them."""
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, int | float) and number < 0:
            raise ValueError(f"{option} must be at least 0, not {number}")


def _build(where: str, section: type, values: dict[str, Any]) -> Any:
    """Return a section or the whole protocol, which may refuse values that do not go together: ValueError from its
    __post_init__."""
    try:
        return section(**values)
    except ValueError as error:
        raise ProtocolError(f"{where}: {error}") from None


def _read_section(where: str, content: Any, section: type, scale: str) -> dict[str, Any]:
    """Return the section's values at `scale` after checking all scales of the section."""
    types = typing.get_type_hints(section)
    _check_names(where, "scale", content, SCALES, required=("paper",))
    values = {}
    for name in SCALES:
        given = {} if content.get(name) is None else content[name]
        place = f"{where}, scale '{name}'"
        _check_names(place, "key", given, types, required=types if name == "paper" else ())
        values[name] = {key: _value(f"{place}, key '{key}'", value, types[key], key) for key, value in given.items()}
    return values["paper"] | values[scale]


def _read_override(text: str, sections: dict[str, type]) -> tuple[str, str, Any]:
    target, equals, value = text.partition("=")
    section, dot, key = target.strip().partition(".")
    if not (equals and dot):
        raise ProtocolError(f"override {text!r}: write section.key=value")
    _check_names(f"override {text!r}", "section", {section: None}, sections, required=())
    types = typing.get_type_hints(sections[section])
    _check_names(f"override {text!r}", "key", {key: None}, types, required=())
    try:
        parsed = plain_yaml.parse(value)
    except ValueError as error:
        raise ProtocolError(f"override {text!r}: the value is not plain YAML: {error}") from error
    return section, key, _value(f"override {text!r}", parsed, types[key], key)


def _check_names(
    where: str, kind: str, given: Any, known: Iterable[str], required: Iterable[str] | None = None
) -> None:
    """Raise ProtocolError unless `given` is a mapping with known names only and with all required ones (default: all)."""
    known = list(known)
    if not isinstance(given, dict):
        raise ProtocolError(f"{where}: expected a mapping with {kind}s {', '.join(known)}; found {given!r}")
    for name in given:
        if name not in known:
            raise ProtocolError(f"{where}: unknown {kind} {name!r}{_closest(name, known)}")
    missing = [name for name in (known if required is None else required) if name not in given]
    if missing:
        raise ProtocolError(f"{where}: missing {kind} {', '.join(map(repr, missing))}")


def _closest(name: Any, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _value(where: str, value: Any, kind: Any, key: str) -> Any:
    """Return `value` as `kind`, or raise ProtocolError if it is of another or cannot be under this key."""
    typed = _typed(where, value, kind)
    _check_value(where, typed, key)
    if typed == () and not EMPTY.fullmatch(key):
        raise ProtocolError(f"{where}: the list is empty; name at least one")
    if typing.get_args(kind)[-1:] == (Ellipsis,) and not REPEATED.fullmatch(key):
        names = [f"{item:g}" if isinstance(item, float) else str(item) for item in typed]  # as in the names of files
        if twice := [name for name in names if names.count(name) > 1]:
            raise ProtocolError(f"{where}: {twice[0]} is given twice")
    return typed


def _check_value(where: str, value: Any, key: str) -> None:
    if isinstance(value, tuple):
        for item in value:
            _check_value(where, item, key)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not SIGNED.fullmatch(key):
        least = 1 if isinstance(value, int) and not FROM_ZERO.fullmatch(key) else 0
        if value < least:
            raise ProtocolError(f"{where}: must be at least {least}, not {value}")
        if BELOW_ONE.fullmatch(key) and value >= 1:
            raise ProtocolError(f"{where}: must be below 1, not {value}")
        if isinstance(value, int) and value > MOST:
            raise ProtocolError(f"{where}: must be at most {MOST}, not {value}")


def _typed(where: str, value: Any, kind: Any) -> Any:
    """Return `value` as `kind` (lists become tuples, whole numbers floats) or raise ProtocolError."""
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        kinds = typing.get_args(kind)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(kinds) == len(value):
            return tuple(
                _typed(f"{where}, item {index}", item, kind) for index, (item, kind) in enumerate(zip(value, kinds))
            )
    elif kind is float and type(value) in (int, float):
        if abs(value) < sys.float_info.max:  # no NaN is
            return float(value)
        raise ProtocolError(f"{where}: expected a finite number, found {value!r}")
    elif kind in (int, bool, str) and type(value) is kind:
        return value
    wanted = kind.__name__ if isinstance(kind, type) and typing.get_origin(kind) is None else str(kind)
    raise ProtocolError(f"{where}: expected {wanted}, found {value!r} ({type(value).__name__})")


def _load(path: Path) -> Any:
    try:
        return plain_yaml.read(path)
    except plain_yaml.YamlError as error:
        raise ProtocolError(str(error)) from error
