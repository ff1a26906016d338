"""Plain YAML: what protocols, the catalogue and the configuration are written in, and nothing that could surprise.

Refused are anchors with their aliases (of which a few lines unfold without end), tags, deep nesting, and a key that is given twice. A merge
key, a sexagesimal 1:30, an octal 010 and yes, all of YAML 1.1, are text like any other. Nothing heavy is imported.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 10  # of nested lists and mappings; the catalogue has 5
VALUES = (  # what is not text: YAML 1.2's own, with the first characters that it can have
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
)


class YamlError(ValueError):
    """A file or text that is no plain YAML; the message says where and why, in one line."""


class _Loader(BASE):  # type: ignore[misc, valid-type]
    yaml_implicit_resolvers: ClassVar[dict[str, list]] = {}  # in place of YAML 1.1's


for _tag, _pattern, _first in VALUES:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), list(_first))


def read(path: str | Path) -> Any:
    """Return what a file holds. Raises YamlError naming the file; OSError if it cannot be read."""
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise YamlError(f"{path} is not plain YAML in UTF-8: {error}") from error


def parse(text: str) -> Any:
    """Return what a text says. Raises ValueError with the line of the first thing that is not plain YAML."""
    try:
        depth = 0
        for event in yaml.parse(text, _Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if getattr(event, "anchor", None) or getattr(event, "tag", None):
                raise YamlError(f"line {event.start_mark.line + 1} has an anchor, alias or tag; write the value out")
            if depth > DEEPEST:
                raise YamlError(f"line {event.start_mark.line + 1} has lists or mappings more than {DEEPEST} deep")
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split()).replace(' in "<unicode string>"', "")) from error


def _mapping(loader: Any, node: yaml.MappingNode) -> dict:
    """Return a mapping whose keys differ: PyYAML would silently keep the last of two equal ones."""
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            mark = node.value[index][0].start_mark
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
