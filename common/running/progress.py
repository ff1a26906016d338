"""A heartbeat for long loops: how far, how fast, how much longer."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints "label: done/total, rate, time left" at most once every `interval` seconds.

    On a terminal the line updates in place each second; elsewhere (a job's log) it is one line every half minute.
    """

    def __init__(self, label: str, total: int, done: int = 0, interval: float | None = None):
        self.label, self.total, self.done = label, total, done
        self.terminal = sys.stdout.isatty()
        self.interval = interval if interval is not None else (1.0 if self.terminal else 30.0)
        self.started = self.printed = time.monotonic()
        self.first = done

    @property
    def rate(self) -> float:
        """Steps per second since the start of this process."""
        return (self.done - self.first) / max(time.monotonic() - self.started, 1e-9)

    def advance(self, text: str = "") -> None:
        """Count one step, and print if it is time or the last one."""
        self.done += 1
        now = time.monotonic()
        if now - self.printed < self.interval and self.done < self.total:
            return
        self.printed = now
        left = (self.total - self.done) / max(self.rate, 1e-9)
        line = f"{self.label}: {self.done}/{self.total}, {self.rate:.3g}/s, {duration(left)} left{text and ', ' + text}"
        if self.terminal:
            print(f"\r\033[K{line}", end="\n" if self.done == self.total else "", flush=True)
        else:
            print(line, flush=True)


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds, such as "1:02:03"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
