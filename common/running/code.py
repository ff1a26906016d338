"""Which code a result depends on, and a digest of it that changes only when what the code does changes.

The files follow from the imports: nobody keeps a list.  Comments, docstrings, formatting and the types of functions do not
count.  Nothing heavy is imported here: Snakemake asks for digests while it parses the workflow.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOMES = ("papers", "studies")  # the folders of the papers, and of studies of ours

# Decides no number: command lines, devices, files and records.  A data set's content is an input of its own.
UNCOUNTED = (
    "common/data/",
    "common/running/",
    *(f"common/results/{name}.py" for name in ("collect", "environment", "records", "tables")),
)


def digest(*modules: str) -> str:
    """Return 12 hex characters over the code of these modules ("papers.dan.deploy") and all that they import."""
    files = sorted({file for module in modules for file in closure(_file(module))})
    return hashlib.sha256("".join(f"{file} {_essence(file)}\n" for file in files).encode()).hexdigest()[:12]


def digest_of_file(path: str) -> str:
    """Return 12 hex characters over the text of a file from anywhere, and over the repository's code that it imports."""
    file = os.path.abspath(path)
    reached = sorted(closure(file) - {file})
    content = Path(file).read_bytes() + "".join(f"{other} {_essence(other)}\n" for other in reached).encode()
    return hashlib.sha256(content).hexdigest()[:12]


@functools.cache
def closure(file: str) -> frozenset[str]:
    """Return the repository's files that decide what `file` computes: itself, and what it imports, directly or not.

    Raises FileNotFoundError if there is no such file.
    """
    reached, waiting = set(), [file]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += imported(file)
    return frozenset(reached)


@functools.cache
def imported(file: str) -> tuple[str, ...]:
    """Return the repository's files that `file` imports anywhere, but for those that decide no number."""
    modules = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = [_file(module) for module in modules if not module.startswith(("benchmarks.", "tests."))]
    return tuple(sorted({file for file in files if (ROOT / file).is_file() and not is_uncounted(file)}))


def is_uncounted(file: str) -> bool:
    """Return whether a file decides no number, so that changing it makes nothing run again."""
    return file.startswith(UNCOUNTED) or file.endswith("/runs.py")


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


@functools.cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), filename=file)


@functools.cache
def _essence(file: str) -> str:
    """Return a digest of the syntax tree, which does not depend on Python's version as `ast.dump` does."""
    sections = _sections(_tree(file)) if file.endswith("/protocol.py") else frozenset()
    return hashlib.sha256("".join(_words(_tree(file), sections)).encode()).hexdigest()


def _sections(tree: ast.Module) -> frozenset[str]:
    """Return the names of a protocol's own class, Protocol, of the classes of its sections, and of what these build on."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    types = [field.annotation for field in classes["Protocol"].body if isinstance(field, ast.AnnAssign)]
    reached, waiting = {"Protocol"}, [ast.unparse(name) for name in types]
    while waiting:
        name = waiting.pop()
        if name in classes:
            reached.add(name)
            waiting += [ast.unparse(base) for base in classes[name].bases]
    return frozenset(reached)


def _words(node: Any, sections: frozenset[str]) -> Iterator[str]:
    """Yield a node's type and fields, without those that are empty, which differ between versions of Python."""
    if isinstance(node, list):
        yield "["
        for item in node:
            if not _says_nothing(item):
                yield from _words(item, sections)
        yield "]"
    elif isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name, value in ast.iter_fields(node):
            if value is None or value == [] or name in ("ctx", "kind", "type_comment") or _is_type(node, name):
                continue
            if isinstance(node, ast.ClassDef) and node.name in sections and name == "body":
                value = [item for item in value if not _is_checked_elsewhere(item)]
            if isinstance(node, ast.JoinedStr):  # Python 3.12 ends f"{x:{width}}" with an empty text
                value = [item for item in value if not (isinstance(item, ast.Constant) and item.value == "")]
            yield f" {name}="
            yield from _words(value, sections)
        yield ")"
    else:
        yield repr(node)


def _says_nothing(node: Any) -> bool:
    """Return whether a statement is a docstring, of whatever it stands below."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_type(node: ast.AST, field: str) -> bool:
    """Return whether a field is the type of a function's argument or result."""
    return (isinstance(node, ast.arg) and field == "annotation") or field == "returns"


def _is_checked_elsewhere(node: ast.stmt) -> bool:
    """Return whether a statement of a protocol's class cannot change a number: a field, whose value is in the settings'
    digest, or the refusal of values that do not fit."""
    return isinstance(node, ast.AnnAssign) or (isinstance(node, ast.FunctionDef) and node.name == "__post_init__")
