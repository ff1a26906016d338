"""Plain YAML says what it seems to say."""

from __future__ import annotations

import math

import pytest

from common.data import plain_yaml
from common.data.plain_yaml import YamlError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1e-3", 0.001),
        ("1.0e+3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("true", True),
        ("~", None),
        ("", None),
        ("[1, a, 'b']", [1, "a", "b"]),
        ("a: {b: 1}", {"a": {"b": 1}}),
        ("'3'", "3"),
        *((text, text) for text in ("1:30", "010", "0x10", "1_000", "yes", "off", "2001-01-01", "1.2.3", "=", "NaN")),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_numbers_are_what_they_seem_and_all_else_is_text(text, value):
    found = plain_yaml.parse(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: &x 2\n", "^line 2 has an anchor, alias or tag; write the value out$"),
        ("a: *x", "anchor, alias or tag"),
        ("a: !!int '1'", "anchor, alias or tag"),
        ("a: 1\na: 2\n", "key 'a' is given twice, line 2"),
        ("a:\n  b: 1\n  b: 1\n", "key 'b' is given twice, line 3"),
        ("[" * 11 + "]" * 11, "line 1 has lists or mappings more than 10 deep"),
        ("[1", "line 1"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text, said):
    with pytest.raises(YamlError, match=said) as error:
        plain_yaml.parse(text)
    assert "\n" not in str(error.value)


def test_a_file_is_named(tmp_path):
    (path := tmp_path / "a.yaml").write_bytes("a: é".encode("latin-1"))
    with pytest.raises(YamlError, match=f"^{path} is not plain YAML in UTF-8: .utf-8. codec"):
        plain_yaml.read(path)
