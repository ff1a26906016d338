"""Files stay short: none has more than 300 lines, and what has more than 200 says here why it is one file."""

from __future__ import annotations

import subprocess

from common.running.code import ROOT

LONG, TOO_LONG = 200, 300
REASONS = {
    "benchmarks/continual.py": "one command: its four measurements share loops, images and the report",
    "common/data/archives.py": "one reader per official format, and the two checks that all of them make",
    "common/drawing/answer.py": "one paper's answer: a short property for each thing that the page shows",
    "common/learning/consolidation.py": "five penalties in one form: the equations are to be read side by side",
    "common/learning/continual.py": "one loop: training, evaluation, divergence, and going on after an interruption",
    "common/results/comparison.py": "one page: verdicts, claims, and the Markdown, CSV and JSON that hold them",
    "common/results/records.py": "one format: written, checked, merged and put into a sentence",
    "common/running/papers.smk": "one rule per kind of result that all papers share",
    "common/running/protocols.py": "one reader of protocol.yaml: what it accepts of sections, overrides and values",
    "common/running/register.py": "one register: what a paper has, and all that follows from it",
    "common/running/workflow.py": "what Snakemake reads at every parse, kept in one light module",
    "papers/dan/fused_maps.py": "one compiled layer, with a gradient beside each of its operations",
    "papers/dan/meta_train.py": "one stage: Algorithm 1 and the command that runs it",
    "papers/dan/model.py": "one network: its nodes, synapses and phenotypes",
    "papers/dan/results.py": "one short reader per quantity that figures, claims and numbers share",
    "papers/dhp/protocol.py": "one class per section of the protocol, with its bounds",
    "papers/dhp/results.py": "one short reader per quantity that figures, claims and numbers share",
    "papers/sticky_gradient/claims.py": "one predicate per claim of the paper",
    "papers/sticky_gradient/results.py": "one short reader per quantity that figures, claims and numbers share",
    "papers/synaptic_intelligence/claims.py": "one predicate per claim of the paper",
    "papers/tsar/activity.py": "one statistic per panel, each a function of a run's masks",
    "papers/tsar/meta_train.py": "one stage: a resumable learner and the command that runs it",
    "papers/tsar/protocol.py": "one class per section of the protocol, with its bounds",
    "papers/tsar/results.py": "one short reader per quantity that figures and claims share",
    "papers/tsar/rules.smk": "one rule per stage, as a Snakemake reader expects",
    "papers/tsar/runs.py": "one register: the parts of every table, arrays, and what each stage reads",
}


def test_no_file_is_too_long_and_each_long_one_has_a_reason():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py", "*.smk", "Snakefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in names}
    assert {name: lines for name, lines in lengths.items() if lines > TOO_LONG} == {}
    product = {name for name, lines in lengths.items() if lines > LONG and not name.startswith("tests/")}
    assert product == REASONS.keys(), "give a reason to what is long, and none to what is not"
