"""What a rule depends on reaches every rule behind it."""

from __future__ import annotations

import pytest

from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.slow

SNAKEFILE = """
from common.running import lineage

rule first:
    output: "first.txt"
    params: depends=lambda wildcards: config["value"]
    shell: "{config[first]} && echo same > {output}"

rule second:
    input: "first.txt"
    output: "second.txt"
    shell: "cp {input} {output}"

rule third:
    input: "second.txt"
    output: "third.txt"
    params: depends=lambda wildcards: config["other"]
    shell: "cp {input} {output}"

lineage.add_to_rules(workflow)
"""


def test_a_job_that_fails_with_new_values_leaves_no_later_file_up_to_date(tmp_path):
    checkout = Checkout(tmp_path)
    (tmp_path / "Three").write_text(SNAKEFILE)

    def wanted(value, first="true", other="x"):
        return "--snakefile", "Three", "third.txt", "--config", f"value={value}", f"first={first}", f"other={other}"

    checkout.run(*wanted("a"))
    assert checkout.jobs(*wanted("a")) == {}
    assert checkout.jobs(*wanted("a", other="y")) == {"third": 1}
    for fault in ("false", "kill -9 $$"):  # after either the next run tries again
        checkout.run(*wanted("b", fault), fails=True)
    assert checkout.jobs(*wanted("b"))["first"] == 1
    checkout.run(*wanted("b"))
    assert checkout.jobs(*wanted("b")) == {}


CHANGED = """
from common.running import lineage

onerror:
    lineage.forget_failed(workflow)

rule check:
    input: "source.txt"
    output: "checked.txt"
    shell: "grep -q good {input} && cp {input} {output}"

rule publish:
    input: "checked.txt"
    output: "published.txt"
    shell: "cp {input} {output}"

lineage.add_to_rules(workflow)
"""


def test_a_job_that_fails_with_a_changed_file_leaves_no_later_file_up_to_date(tmp_path):
    checkout, wanted = Checkout(tmp_path), ("--snakefile", "Two", "published.txt")
    (tmp_path / "Two").write_text(CHANGED)
    (source := tmp_path / "source.txt").write_text("good\n")
    checkout.run(*wanted)
    assert checkout.jobs(*wanted) == {}
    source.write_text("wrong\n")
    for _ in range(3):
        checkout.run(*wanted, fails=True)
    source.write_text("good again\n")
    checkout.run(*wanted)
    assert (tmp_path / "published.txt").read_text() == "good again\n" and checkout.jobs(*wanted) == {}
