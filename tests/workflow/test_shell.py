"""No target and no path can run a command of its own: what reaches a shell line is constrained or quoted."""

from __future__ import annotations

import json
import re

import pytest

from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.slow

READING = """
import json
include: "Snakefile"
with open("rules.json", "w") as file:
    json.dump({
        one.name: {
            "shell": one.shellcmd,
            "constraints": {n: p.pattern for output in one.output for n, p in output.wildcard_constraints().items()},
            "wildcards": sorted(one.wildcard_names),
        }
        for one in workflow.rules if one.shellcmd
    }, file)
"""
# A wildcard's text stands in shell lines as it is, and begins no option, path upwards, substitution or other command.
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a b",
    "a&b",
    "a|b",
    "a>b",
    "a'b",
    'a"b',
    "a\nb",
    "a*",
    "~",
]
HOSTILE += ["a/../b", "-a", "", "{a}", "\\"]


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    (checkout.folder / "Reading").write_text(READING)
    checkout.run("--snakefile", "Reading", "--dry-run", "list_figures", "--config", "device=cpu")
    return json.loads((checkout.folder / "rules.json").read_text())


def test_every_wildcard_of_every_rule_is_constrained_to_harmless_text(rules):
    assert len(rules) > 25
    for name, rule in rules.items():
        assert rule["constraints"].keys() == set(rule["wildcards"]), name
        for wildcard, pattern in rule["constraints"].items():
            taken = [text for text in HOSTILE if re.fullmatch(pattern, text)]
            assert not taken, f"{name}: {wildcard} takes {taken}"


def test_every_path_and_parameter_in_a_shell_line_is_quoted(rules):
    placeholders = [(name, text) for name, rule in rules.items() for text in re.findall(r"{([^{}]+)}", rule["shell"])]
    assert len(placeholders) > 150
    bare = {
        (name, text) for name, text in placeholders if not text.endswith(":q") and not text.startswith("wildcards.")
    }
    assert {text for _, text in bare} == {"resources.keep"}  # an option of one word, or nothing


def test_a_hostile_target_is_no_target(tmp_path):
    checkout = Checkout(tmp_path)
    for target in ("results/smoke/dhp/tune/split_ewc_$(touch pwned).csv", "figures/dhp_fig2$(touch pwned).pdf"):
        assert "MissingRuleException" in checkout.run(target, "--config", "device=cpu", fails=True)
    assert not list(tmp_path.rglob("pwned*"))


def test_a_target_that_looks_like_a_figure_is_refused_with_the_figure_to_ask_for(tmp_path):
    checkout = Checkout(tmp_path)
    figure = "figures/dhp_fig2.pdf"
    for target in (
        "dhp_fig2.pdf",
        "figures/dhp_fig2",
        str(checkout.folder / figure),
        "dhp_fig2",
        "figures/dhp_fig2.p.df",
    ):
        output = checkout.run("--dry-run", target, "--config", "device=cpu", fails=True)
        assert f"{target}: a figure is made as pdf, png, svg: ask for {figure}." in output, target
    output = checkout.run("--dry-run", "figures/dhp-fig2.pdf", "--config", "device=cpu", fails=True)
    assert "did you mean dhp_fig2? To see which there are: snakemake --cores 1 list_figures" in output


def test_paths_that_a_shell_would_take_apart_stay_whole_and_what_is_empty_is_no_argument(tmp_path):
    """From a working folder elsewhere, paths lead through the name of the checkout's, which may hold anything."""
    checkout, options = Checkout(tmp_path / "it's $HOME; here"), ("--directory", str(tmp_path / "work"), "--config")
    checkout.run("results/recorded/dan/diagram.csv", *options, "scale=recorded", "device=cpu")
    assert (tmp_path / "work/results/recorded/dan/diagram.csv").is_file()
    wanted = [f"results/smoke/{paper}/comparison.csv" for paper in ("dan", "dhp", "sticky_gradient")]
    printed = checkout.run("--dry-run", "--printshellcmds", *wanted, *options, "device=cpu")
    commands = re.findall(r"python -m papers\..*", printed)
    assert len(commands) > 20 and not [command for command in commands if "''" in command or "[" in command]
