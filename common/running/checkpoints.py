"""Checkpoints of a running stage: saved atomically every few minutes, resumed only by the same protocol and code.

What is saved with other settings lies under another name, so that going back to them goes on from there.

A checkpoint must never be a declared Snakemake output. Snakemake deletes declared outputs before a job starts and after
it fails; an undeclared path, handed over as a parameter, survives a killed job and lets the next attempt go on.
"""

from __future__ import annotations

import glob
import hashlib
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from common.data.files import WriteError, atomic_write, remove_unfinished
from common.running import launcher

# What torch.load raises for truncated or foreign content, depending on where the damage lies.
UNREADABLE = (RuntimeError, OSError, pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError)


class Checkpoint:
    """The saved state of one stage.

    path: where the file lies; its name gets a short digest of the key before the ending; key: protocol digest and code hash
    in one string, so that a state of other settings or of other code is never resumed; interval_seconds: how much work a
    kill may cost.
    """

    def __init__(self, path: str | Path, key: str, interval_seconds: float = 120) -> None:
        path = Path(path)
        self.path = path.with_stem(f"{path.stem}.{hashlib.sha256(key.encode()).hexdigest()[:8]}")
        self._others = glob.escape(path.stem) + ".*" + path.suffix
        self.key = key
        self.interval_seconds = interval_seconds
        self._last_save = time.monotonic()

    def load(self) -> dict | None:
        """Return the saved state with all tensors on the CPU, or None with one printed line that says why.

        Removes what an earlier run left when it was killed while it wrote.
        """
        remove_unfinished(self.path)
        if not self.path.exists():
            others = any(self.path.parent.glob(self._others))
            return self._start_afresh("no checkpoint yet" + others * ", only of another protocol or other code")
        with self.path.open("rb") as file:  # outside the try: a file that may not be opened is the user's to mend
            try:
                content = torch.load(file, map_location="cpu", weights_only=True)
                key, state = content["key"], content["state"]
            except UNREADABLE as error:
                return self._start_afresh(f"checkpoint cannot be read ({type(error).__name__})")
        if key != self.key:
            return self._start_afresh("checkpoint belongs to another protocol or other code")
        print(f"{self.path}: resuming from this checkpoint", flush=True)
        return state

    def due(self) -> bool:
        """Return whether interval_seconds have passed since the last save, or since the start if there was none."""
        return time.monotonic() - self._last_save >= self.interval_seconds

    def save(self, state: dict) -> None:
        """Write `state`: nested dicts, lists and tuples of tensors, numbers, strings and None.

        A tensor that is a view of a larger storage is cloned, or torch.save would write the whole storage; all other
        tensors on the CPU are written without a copy. Raises TypeError for anything that a safe load would refuse later.
        One that cannot be written costs no more than a line: the run goes on, and tries again an interval later.
        """
        content = {"key": self.key, "state": _storable(state, "state")}
        try:
            with atomic_write(self.path) as temporary:
                torch.save(content, temporary)
        except WriteError as error:
            print(f"no checkpoint this time, the run goes on: {error}", flush=True)
        self._last_save = time.monotonic()

    def delete(self) -> None:
        """Remove the file once the stage's results are written; no error if there is none. Keep it if Snakemake is gone."""
        remove_unfinished(self.path)
        if launcher.gone() and self.path.exists():
            print(f"{self.path}: kept, as Snakemake is gone: the next attempt writes the results from it", flush=True)
            return
        self.path.unlink(missing_ok=True)

    def _start_afresh(self, reason: str) -> dict | None:
        print(f"{self.path}: {reason}; starting from the beginning", flush=True)
        return None


def _storable(value: Any, where: str) -> Any:
    if isinstance(value, torch.Tensor):
        saved = value.detach().cpu()
        is_part = saved.untyped_storage().nbytes() > saved.numel() * saved.element_size()
        return saved.clone() if is_part else saved
    if isinstance(value, dict):
        return {key: _storable(item, f"{where}[{key!r}]") for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_storable(item, f"{where}[{index}]") for index, item in enumerate(value))
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise TypeError(
        f"checkpoint: {where} is of type {type(value).__name__}; store tensors, plain numbers and strings only"
    )
