"""What a job's inputs come from, as a parameter of every rule: a rerun that failed once is never forgotten.

Snakemake records the parameters of a job that failed as it does those of one that succeeded, and does not make a file again
that is missing between two that are there. After an edited protocol and a rerun that failed, the old figure would therefore
count as up to date. So the parameter `upstream` of every rule says what all rules before it depend on. Until a job has itself
run with the new values, its own record differs.

Of a changed file (a kept table, reported numbers, a data set) no parameter tells. Snakemake compares it with what a job read when
it last ran, whether that failed or not. So a job that failed is forgotten (`forget_failed`), and the file still counts as changed.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from snakemake.iocontainers import Wildcards

OWN = ("depends", "origin")  # the parameters that say what a rule itself depends on


def add_to_rules(workflow: Any) -> None:
    """Give every rule of a Snakemake workflow that has inputs the parameter `upstream`. Call it after the last rule."""
    rules = tuple(workflow.rules)

    @functools.cache
    def of_file(file: str) -> str:
        """Return a digest of what a file comes from; nothing for a file that no rule makes."""
        maker = next((rule for rule in rules if rule.is_producer(file)), None)
        if maker is None:
            return ""
        wildcards = Wildcards(fromdict=maker.get_wildcards(file))
        own = [value(wildcards) for name, value in maker.params.items() if name in OWN]
        return _digest(*own, of_inputs(maker, wildcards))

    def of_inputs(rule: Any, wildcards: Wildcards) -> str:
        return _digest(*map(of_file, sorted(map(str, rule.expand_input(wildcards)[0]))))

    for rule in rules:
        if len(rule.input):
            rule.set_params(upstream=functools.partial(of_inputs, rule))


def forget_failed(workflow: Any) -> None:
    """Remove Snakemake's records of the jobs that failed. Call it at the end of a run with errors."""
    for job in workflow.scheduler.failed:
        workflow.persistence.cleanup(job)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
