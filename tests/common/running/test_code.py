"""The digest of code follows what code does: not its comments, texts, layout and types, nor the Python that reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from common.running import code

OTHERS = [f"python3.{minor}" for minor in range(11, 20) if minor != sys.version_info.minor]
REPOSITORY = code.ROOT
SCRIPT = """
import pathlib, sys
from common.running import code
code.ROOT = pathlib.Path(sys.argv[1])
print(sys.version_info[:2], code.digest(*sys.argv[2:]))
"""

METHOD = '''"""What the method is."""

from common.learning import metrics


def step(weights: list[float], rate: float = 0.5) -> list[float]:
    """Return the next weights."""
    return [weight - rate for weight in weights]  # plain descent
'''
FILES = {
    "common/learning/metrics.py": "from common.learning import randomness\n",
    "common/learning/randomness.py": "import papers.a_paper.method\n",  # a circle
    "common/learning/other.py": "",
    "common/running/stage.py": "from common.learning import other\n",
    "common/results/records.py": "",
    "papers/a_paper/method.py": METHOD,
    "papers/a_paper/runs.py": "from papers.a_paper import method\n",
    "papers/a_paper/protocol.py": """from dataclasses import dataclass

DIGITS = 10


@dataclass(frozen=True)
class Shared:
    batch: int

    def __post_init__(self) -> None:
        super().__init__()


@dataclass(frozen=True)
class Training(Shared):
    rate: float
    epochs: int = 0

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError("rate")

    def half(self) -> float:
        return self.rate / 2


@dataclass(frozen=True)
class Protocol:
    training: Training


class Condition:  # no section
    plastic: bool = False

    def __post_init__(self):
        pass
""",
    "papers/a_paper/train.py": """import json
import numpy.linalg
from common.results import records
from common.running import stage
from papers.a_paper import protocol, runs


def main():
    from papers.a_paper.method import step
""",
}


@pytest.fixture
def tree(write):
    """A repository of these few files; returns what writes one of them anew."""
    for file, text in FILES.items():
        write(file, text)
    return write


def changed(tree, file, old, new, module="papers.a_paper.train"):
    """Return whether another text in a file changes the digest of a module; the file is then as before."""
    assert FILES[file].count(old) == 1
    before = code.digest(module)
    tree(file, FILES[file].replace(old, new))
    after = code.digest(module)
    tree(file, FILES[file])
    assert code.digest(module) == before and len(before) == 12
    return after != before


def test_the_closure_is_what_is_imported_and_decides_numbers(tree):
    method = {"papers/a_paper/method.py", "common/learning/metrics.py", "common/learning/randomness.py"}
    assert code.closure("papers/a_paper/method.py") == method
    train = {"papers/a_paper/train.py", "papers/a_paper/protocol.py"}
    assert code.closure("papers/a_paper/train.py") == method | train  # runs.py, records.py, stage.py decide none
    assert code.closure("common/running/stage.py") == {"common/running/stage.py", "common/learning/other.py"}
    with pytest.raises(FileNotFoundError, match=r"papers/a_paper/absent\.py"):
        code.digest("papers.a_paper.absent")


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("  # plain descent", "  # steepest descent", False),
        ('"""Return the next weights."""', '"""Another word."""', False),
        ('    """Return the next weights."""\n', "", False),
        ('"""What the method is."""\n\n', "", False),
        ("from common.learning import metrics\n\n\n", "from common.learning import (\n    metrics,\n)\n", False),
        ("[weight - rate for weight in weights]", "[\n        (weight) - rate for weight in weights\n    ]", False),
        ("weights: list[float]", "weights", False),
        ("rate: float = 0.5", "rate: int = 0.5", False),
        (") -> list[float]:", "):", False),
        ("weight - rate", "weight + rate", True),
        ("weight - rate", "rate - weight", True),
        ("= 0.5", "= 0.25", True),
        ("= 0.5", "", True),
        ("step(", "steps(", True),
        ("for weight in weights", "for weight in weights if weight", True),
        ("return [weight - rate for weight in weights]", "yield [weight - rate for weight in weights]", True),
        ("from common.learning import metrics", "from common.learning import metrics, other", True),
    ],
)
def test_code_counts_but_not_texts_layout_and_types_of_functions(tree, old, new, counts):
    assert changed(tree, "papers/a_paper/method.py", old, new) == counts


def test_of_a_file_from_anywhere_its_text_counts_and_the_repositorys_code_that_it_imports(tree, tmp_path):
    def digest(text, folder="a"):
        tree(f"{folder}/mine.py", text)
        return code.digest_of_file(str(tmp_path / folder / "mine.py"))

    tree("examples/helper.py", "x = 1\n")
    text = "import json\nfrom papers.a_paper.method import step\nfrom examples import helper\n"
    before = digest(text)
    assert digest(text, "b") == before != digest(text + "# other\n")
    tree("examples/helper.py", "x = 2\n")
    assert digest(text) not in (before, digest("import json\n"))
    tree("examples/helper.py", "x = 1\n")
    tree("papers/a_paper/method.py", METHOD.replace("0.5", "0.6"))
    assert digest(text) != before


def test_a_file_counts_for_what_imports_it_alone(tree):
    assert changed(tree, "common/learning/randomness.py", "import papers", "import json, papers")
    for file in ("common/running/stage.py", "common/results/records.py", "common/learning/other.py"):
        assert not changed(tree, file, FILES[file], FILES[file] + "x = 1\n")
    assert not changed(tree, "papers/a_paper/runs.py", "import method", "import method as m")
    assert not changed(tree, "papers/a_paper/train.py", "step", "step as s", module="papers.a_paper.method")
    assert changed(tree, "common/running/stage.py", "other", "other as o", module="common.running.stage")


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("    rate: float\n", "    rate: float\n    batch: int\n", False),
        ("rate: float\n", "rate: int\n", False),
        ("    batch: int\n", "    batch: float\n", False),  # of what a section builds on
        ("        super().__init__()", "        super(Shared, self).__init__()", False),
        ("epochs: int = 0", "epochs: int = 1", False),  # the settings' digest says what a value is
        ("self.rate < 0", "self.rate <= 0", False),
        ("DIGITS = 10", "DIGITS = 12", True),
        ("self.rate / 2", "self.rate / 4", True),
        ("    training: Training", "    training: Training\n    tuning: Training", False),
        ("plastic: bool = False", "plastic: bool = True", True),
        ("        pass", "        self.plastic = True", True),
    ],
)
def test_of_a_protocol_neither_fields_nor_refusals_count(tree, old, new, counts):
    assert changed(tree, "papers/a_paper/protocol.py", old, new) == counts


# Every construct whose syntax tree has changed between versions of Python, or may
SYNTAX = '''
import asyncio
from collections import *

type_of = type(None)
values = (None, True, ..., b"a", 1j, 1e400, -1, "a" "b" f"c{1}" "d", "\\N{BULLET} \\x41", r"\\d")
texts = f"{type_of!r:>{10}}", f"{values[0]}{'nested'}{{}}", f"{1=}", f"{1:{2}.{3}}", f"", f"plain", f"{1:}"
sliced = values[1:2, ..., None], values[::2], values[:, 0], {**{}, "a": 1}, {*()}, [*values]
chosen = 1 if sliced else (yield_ := 2)
assert chosen, "a message"


@asyncio.coroutines
class Thing(dict, metaclass=type):
    """A docstring."""

    count: int = 0
    other: "int"

    def both(self, a, /, b=1, *args: int, c, d=None, **kwargs: int) -> None:
        nonlocal_ = lambda x, *, y=None: (x, y)
        global GLOBAL
        GLOBAL = not a and b or c is not d <= 1 < 2
        del a
        return


async def waits(source):
    async with source as a, source:
        async for item in source:
            await item
    return [x async for x in source if x if not x]


match values:
    case [1, *rest] if rest:
        pass
    case {"a": 1, **rest} | Thing(count=0) | None:
        rest @= 1
    case _:
        raise ValueError from None

try:
    with (open("a") as a, open("b")):
        for a, in values:
            continue
        else:
            """A text that says nothing."""
    while True:
        break
except* (ValueError, TypeError) as error:
    raise
finally:
    ...
'''


def test_the_digest_is_the_same_for_every_python(tree, tmp_path):
    modules = [file.removesuffix(".py").replace("/", ".") for file in FILES]
    tree("papers/a_paper/syntax.py", SYNTAX)
    digests = said_by_all_pythons(tmp_path, "papers.a_paper.syntax", *modules)
    assert set(digests.values()) == {code.digest("papers.a_paper.syntax", *modules)}


def test_the_digest_of_this_repository_is_the_same_for_every_python(tmp_path):
    """Of a copy, which nobody edits meanwhile."""
    paths = [path for part in ("common", "papers") for path in (REPOSITORY / part).rglob("*.py")]
    files = [path.relative_to(REPOSITORY) for path in paths]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / file)
    modules = [".".join(file.with_suffix("").parts) for file in files]
    assert len(modules) > 100 and len(set(said_by_all_pythons(tmp_path, *modules).values())) == 1


def said_by_all_pythons(root, *modules):
    """Return the digest of these modules below a folder by the version of Python; skips the test if there is but one."""
    digests = {}
    for python in [sys.executable, *filter(shutil.which, OTHERS)]:
        # one that pyenv manages is there under its name, but must be asked for
        asked_for = {"PYENV_VERSION": python.removeprefix("python"), "PYTHONPATH": str(REPOSITORY)}
        command = [python, "-c", SCRIPT, root, *modules]
        done = subprocess.run(command, env=os.environ | asked_for, capture_output=True, text=True, check=False)
        if done.returncode != 127:  # else there is nothing behind the name
            assert done.returncode == 0, done.stderr
            version, _, digest = done.stdout.rpartition(" ")
            digests[version] = digest.strip()
    if len(digests) < 2:
        pytest.skip(f"only one version of Python is here: {', '.join(digests)}")
    return digests
