"""The count of bad inputs, printed at the end of a run that tried any (tests/faults)."""

from __future__ import annotations

from collections import Counter

OUTCOMES = ("tracebacks", "accepted", "told otherwise")  # what may not happen


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    found = Counter(value for report in reports for name, value in report.user_properties if name == "fault")
    if found:
        counts = ", ".join(f"{found[outcome]} {outcome}" for outcome in OUTCOMES)
        terminalreporter.write_line(f"faults: {found.total()} inputs, {found['refused']} refused in one line, {counts}")
