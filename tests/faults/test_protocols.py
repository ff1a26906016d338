"""Protocols of all papers: no field takes a value that cannot be, in the file or by --set, and no file is read that is not plain."""

from __future__ import annotations

import copy
import dataclasses
import functools
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml

from common.data import plain_yaml
from common.running import protocols, register
from common.running.code import HOMES, ROOT
from tests.faults.conftest import Fault

PAPERS, STUDIES = (plain_yaml.read(ROOT / "config.yaml")[home] for home in HOMES)
ALL = [*PAPERS, *STUDIES]
FIELDS = [
    (paper, section, key, kind)
    for paper in ALL
    for section, schema in get_type_hints(register.of(paper).schema).items()
    for key, kind in get_type_hints(schema).items()
]
HERE = "THE VALUE"
TWICE = {int: "[3, 4, 3]", float: "[0.5, 0.25, 0.50000001]", str: "[a, b, a]"}
OF_TYPE = {  # texts of YAML that are no value of a type
    int: ["many", "1.5", "1:30", "010", "0x10", "1_000", "1e3", "true", "", "[1]", "{a: 1}", ".nan", "2001-01-01"],
    float: [
        ".nan",
        ".inf",
        "-.inf",
        "1.0e+400",
        "1e400",
        "1" + "0" * 400,
        "much",
        "1:30",
        "true",
        "",
        "[0.1]",
        "{a: 1}",
    ],
    bool: ["yes", "1", "", "[true]"],
    str: ["3", "true", "", "[adam]", "no_such_name"],
}


@functools.cache
def content(paper: str) -> Any:
    return plain_yaml.read(ROOT / f"{register.of(paper).folder}/protocol.yaml")


def bad_values(kind: Any, key: str) -> list[str]:
    """Texts of YAML that a field cannot have: of its type, and by the schema's rules for its name."""
    if get_origin(kind) is tuple:
        items, listed = get_args(kind), get_args(kind)[-1] is Ellipsis
        inner = bad_values(items[0], key)
        inner = (
            [f"[{text}]" for text in inner if text]
            if listed
            else [f"[{', '.join([text] * len(items))}]" for text in inner if text]
        )
        twice = [TWICE[items[0]]] if listed and items[0] in TWICE and not protocols.REPEATED.fullmatch(key) else []
        empty = [] if protocols.EMPTY.fullmatch(key) else ["[]"]
        count = (
            []
            if listed
            else [f"[{', '.join('1' for _ in range(number))}]" for number in (len(items) - 1, len(items) + 1)]
        )
        return [*empty, "", "3", "{a: 1}", "text", *count, *inner, *twice]
    return [*OF_TYPE[kind], *out_of_bounds(kind, key)]


def out_of_bounds(kind: Any, key: str) -> list[str]:
    """Those of them that are numbers of the field's type."""
    bad = []
    if kind in (int, float) and not protocols.SIGNED.fullmatch(key):
        least = 1 if kind is int and not protocols.FROM_ZERO.fullmatch(key) else 0
        bad += [str(least - 1), str(least - 1000), *(["-1.0e-9"] if kind is float else [])]
    if kind is float and protocols.BELOW_ONE.fullmatch(key):
        bad += ["1", "1.0", "2.5"]
    return bad


def test_these_fields_and_no_others_have_rules_of_their_own():
    def matching(rule: re.Pattern) -> set[str]:
        return {key for _, _, key, _ in FIELDS if rule.fullmatch(key)}

    assert matching(protocols.SIGNED) == {"sweep_biases", "regulation_bias"}
    assert matching(protocols.FROM_ZERO) == {"padding", "skips", "meta_iterations"}
    assert matching(protocols.REPEATED) == {"hidden", "nodes", "channels", "convolutions"}
    assert matching(protocols.EMPTY) == {"skips", "second_order", "sweep_biases", "controls", "torch_start"}
    rates = {"convolution_dropout_rate", "dense_dropout_rate", "dropout_rate"}
    assert matching(protocols.BELOW_ONE) == {"beta1", "beta2", "momentum"} | rates


@pytest.mark.parametrize(("paper", "section", "key", "kind"), FIELDS, ids=lambda value: str(value)[:20])
def test_no_field_takes_a_value_that_cannot_be(tmp_path, all_refused, paper, section, key, kind):
    """In a protocol of this one section, in the file or by an override."""
    schema = dataclasses.make_dataclass("Protocol", [(section, get_type_hints(register.of(paper).schema)[section])])
    scales = content(paper)[section]
    (own := tmp_path / "own.yaml").write_text(yaml.dump({section: scales}))
    around = yaml.dump({section: scales | {"desk": (scales.get("desk") or {}) | {key: HERE}}})
    file, bounds = tmp_path / "protocol.yaml", out_of_bounds(kind, key)

    def read(text: str) -> None:
        file.write_text(around.replace(HERE, text))
        protocols.read(file, schema, "desk")

    def faults() -> Iterator[Fault]:
        for text in bad_values(kind, key):
            named = "no_such_name" if "no_such_name" in text else key
            bound = ("must be ",) if text in bounds else ()
            says = (str(file), f"'{section}'", "'desk'", named, *bound)
            yield Fault(f"file {key}: {text[:30]}", partial(read, text), says)
            override = f"{section}.{key}={text}"
            act = partial(protocols.read, own, schema, "desk", [override])
            yield Fault(f"--set {override[:60]}", act, (section, named, *bound))

    all_refused(faults())


SECTIONS = [(paper, section) for paper in ALL for section in content(paper)]


@pytest.mark.parametrize(("paper", "section"), SECTIONS)
def test_names_that_no_schema_has_and_names_that_are_missing_are_refused(tmp_path, all_refused, paper, section):
    file, schema = tmp_path / "protocol.yaml", register.of(paper).schema

    def read(changes: dict) -> None:
        file.write_text(yaml.dump({name: value for name, value in (content(paper) | changes).items() if value != HERE}))
        protocols.read(file, schema, "smoke")

    scales = content(paper)[section]
    key = next(iter(scales["paper"]))
    without = {name: value for name, value in scales["paper"].items() if name != key}
    changes = {
        "a section more": ({f"{section}s": copy.deepcopy(scales)}, f"'{section}s'"),
        "no such section": ({section: HERE}, f"'{section}'"),
        "a scale more": ({section: scales | {"large": {}}}, "'large'"),
        "no paper scale": ({section: {"smoke": scales["paper"]}}, "'paper'"),
        "a key more": ({section: scales | {"smoke": {f"{key}s": 1}}}, f"'{key}s'"),
        "a key less": ({section: scales | {"paper": without}}, f"'{key}'"),
        "a number for a section": ({section: 3}, f"'{section}'"),
        "a list for a scale": ({section: scales | {"desk": [1]}}, "'desk'"),
    }
    overrides = (
        f"{section}s.{key}=1",
        f"{section}.{key}s=1",
        f"{section}=1",
        f"{section}.{key}",
        f"{key}=1",
        "=",
        "",
        ".=",
    )
    overrides += (
        f"{section}.{key}=[1",
        f"{section}.{key}=&a 1",
        f"{section}.{key}=!!int 1",
        f"{section}.{key}.{key}=1",
    )
    own = ROOT / f"{register.of(paper).folder}/protocol.yaml"
    all_refused(
        [Fault(name, partial(read, change), (str(file), says)) for name, (change, says) in changes.items()]
        + [Fault(text, partial(protocols.read, own, schema, "smoke", [text]), (repr(text),)) for text in overrides]
    )


BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghijk", "bcdefghijkl"))
TEXTS = {  # of a protocol that is no plain YAML; the text is the paper's own
    "nothing": lambda text: b"",
    "a list": lambda text: b"- 1\n",
    "cut off": lambda text: text[: text.rindex(b"[") + 1],
    "syntax": lambda text: text + b"more: [1, {2\n",
    "tab": lambda text: text + b"more:\n\t- 1\n",
    "anchor": lambda text: text + b"more: &a 1\n",
    "alias bomb": lambda text: BOMB.encode() + text,
    "merge key": lambda text: text + b"<<: {more: 1}\n",
    "merged alias": lambda text: re.sub(rb"\n  paper:", b"\n  paper: &p", text, count=1) + b"more: {<<: *p}\n",
    "tag": lambda text: text + b"more: !!python/object:os.system {}\n",
    "harmless tag": lambda text: text + b"more: !!str 1\n",
    "section twice": lambda text: text + text,
    "two documents": lambda text: text + b"---\n" + text,
    "Latin-1": lambda text: "# Höhe\n".encode("latin-1") + text,
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-32": lambda text: text.decode().encode("utf-32"),
    "zero bytes": lambda text: text[:50] + bytes(20) + text[50:],
    "too deep": lambda text: b"[" * 100_000,
    "long number": lambda text: text + b"more: " + b"1" * 5000 + b"\n",
    "picture": lambda text: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.parametrize("paper", ALL)
def test_a_file_that_is_not_plain_yaml_is_refused(tmp_path, all_refused, paper):
    text, schema = (ROOT / f"{register.of(paper).folder}/protocol.yaml").read_bytes(), register.of(paper).schema
    faults = []
    for name, change in TEXTS.items():
        (file := tmp_path / f"{name}.yaml").write_bytes(change(text))
        faults.append(Fault(name, partial(protocols.read, file, schema, "paper"), (str(file),)))
    for name in ("gone.yaml", ""):
        act = partial(protocols.read, tmp_path / name, schema, "paper")
        faults.append(Fault(f"'{name}'", act, (str(tmp_path / name),)))
    for scale in ("papr", "", "recorded", "Smoke"):
        act = partial(protocols.read, ROOT / f"{register.of(paper).folder}/protocol.yaml", schema, scale)
        faults.append(Fault(f"scale {scale}", act, ("unknown scale", repr(scale))))
    all_refused(faults)


# Values that go each with their type, but not together: what is said of one paper's section and scale.
TOGETHER = {
    "synaptic_intelligence": "cifar.cifar100_tasks=11 tuning.held_out=60000 design.cifar_seeds=1001",
    "sticky_gradient": "search.held_out=60000 search.mu=[2,1] design.shared=[1.5] attractor.sigma=0 design.seeds=1001",
    "dhp": "vision.kernel=99 tuning.held_out=60000 design.seeds=1001 design.etas=[0] vision.learning_rate=0",
    "dan": "regression.tasks=4 images.tasks=9 images.n_channels=10 design.averaged=50000 design.functions=1 regression.skips=[[3,1]]",
    "tsar": """transfer.classes=101 transfer.images_per_class=51 meta_learning.inner_images=21 design.meta_iterations=[20,10]
        meta_learning.scarce_classes=964 network.outputs=5 transfer.recall_after=[1,2] analysis.thresholds=[1.5]""",
    "cross_benchmark": "design.methods=[ewcc] design.methods=[ewc,a/si.py] design.optimizers=[rmsprop] search.sgd=[1.0,0.1]",
}


@pytest.mark.parametrize("paper", ALL)
def test_values_that_do_not_go_together_are_refused_at_parse_time(all_refused, paper):
    own, schema = ROOT / f"{register.of(paper).folder}/protocol.yaml", register.of(paper).schema
    all_refused(
        Fault(
            f"{scale} {override}",
            partial(protocols.read, own, schema, scale, [override]),
            (str(own), f"'{scale}'", override.partition("=")[0].partition(".")[2]),
        )
        for override in TOGETHER[paper].split()
        for scale in ("paper", "desk")
    )
