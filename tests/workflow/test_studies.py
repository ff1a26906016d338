"""A method of the user's own: one file and one command, tuned, trained and drawn beside the others."""

from __future__ import annotations

import re

import pandas
import pytest

from studies.cross_benchmark.methods import METHODS
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.slow
FIGURE, OWN = "figures/cross_permuted.pdf", "examples/my_method.py"


def asked(*config: str) -> tuple[str, ...]:
    return FIGURE, "--config", "scale=smoke", "device=cpu", *config


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """With fine-tuning alone beside the user's method."""
    checkout = Checkout(tmp_path_factory.mktemp("study"))
    protocol = checkout.folder / "studies/cross_benchmark/protocol.yaml"
    text = protocol.read_text()
    assert f"methods: [{', '.join(METHODS)}]" in text
    protocol.write_text(text.replace(", ".join(METHODS), "finetune"))
    return checkout


def test_ones_own_method_is_two_jobs_more_and_stands_in_the_figure(checkout):
    checkout.run(*asked(f"method={OWN}"))
    values = pandas.read_csv(checkout.folder / "results/smoke/cross_benchmark/figures/fig_permuted.csv")
    assert values["method"].tolist() == ["finetune", "my_method"] and set(values["n"]) == {2}
    again = asked(f"method={OWN}")
    assert checkout.jobs(*again) == {}
    file = checkout.folder / OWN
    file.write_text(file.read_text().replace("fill_(1.0)", "fill_(2.0)"))
    jobs = checkout.jobs(*again)
    assert jobs["cross_benchmark_tune"] == jobs["cross_benchmark_train"] == 1
    without = checkout.jobs(*asked())
    assert without == {"collect": 1, "draw": 1, "publish_figure": 1}  # what it leaves behind is the others'


EDIT = """        if sys.argv[0].endswith("tune.py") and len(data.stream.train) > 10 and open(__file__).read()[-1] == "\\n":
            open(__file__, "a").write("# changed")
"""


def test_a_file_that_changes_while_it_is_tuned_is_tuned_again(checkout):
    text, file = (checkout.folder / OWN).read_text(), checkout.folder / "edited.py"
    text = text.replace("        super().end_task", EDIT + "        super().end_task")
    file.write_text(text.replace("SEARCHED =", "import sys\nSEARCHED ="))
    output = checkout.run(*asked("method=edited.py"), fails=True)
    assert file.read_text().endswith("# changed") and "the file of edited was changed after" in output
    checkout.run(*asked("method=edited.py"))
    assert checkout.jobs(*asked("method=edited.py")) == {}


def test_a_file_that_is_no_method_is_refused_before_any_work(checkout):
    (checkout.folder / "nothing.py").write_text("SEARCHED = {}\n")
    (checkout.folder / "finetune.py").write_text((checkout.folder / OWN).read_text())
    wrong = {"nothing.py": "does not define a function consolidation", "none.py": "cannot be read"}
    for file, said in (wrong | {"finetune.py": "there is a method finetune already"}).items():
        output = checkout.run(*asked(f"method={file}"), fails=True)
        assert re.search(f"config: methods?:? {file}:? {said}", output)
    (checkout.folder / "breaks.py").write_text((checkout.folder / OWN).read_text().replace("fill_(", "full_("))
    output = checkout.run(*asked("method=breaks.py"), fails=True)
    assert re.search(r"config: breaks.py fails on a small network: line \d+, in end_task: AttributeError", output)
    assert "Finished job" not in output


def test_a_method_that_fails_on_real_sizes_alone_is_named_with_its_line_and_leaves_nothing(checkout):
    text, file = (checkout.folder / OWN).read_text(), checkout.folder / "narrow.py"
    fails = "        if len(data.stream.train) > 10:\n            [0][len(data.stream.train)]\n"
    file.write_text(text.replace("        super().end_task", fails + "        super().end_task"))
    output = checkout.run(*asked("method=narrow.py"), fails=True)
    assert re.search(r"error: narrow.py fails in training: line \d+, in end_task: IndexError: list index", output)
    assert "Traceback" not in output and not list((checkout.folder / "results").rglob("*narrow*.csv"))
