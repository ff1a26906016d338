"""One independent random stream per purpose, so that adding, dropping or regrouping runs never changes another run."""

from __future__ import annotations

import hashlib
import json

import torch


def generator(*key: int | str) -> torch.Generator:
    """Return a CPU generator that depends on the key alone, such as generator(seed, "class order").

    Seeds of one condition are trained in batches whose size depends on the machine. Were they to share a generator,
    a run's initialisation and data order would depend on its neighbours; with a stream for each (seed, purpose) they
    are the same in whatever batch, order or process the run is made. It lies on the CPU because the numbers drawn on
    a GPU differ between devices. Raises TypeError for key parts other than int and str.
    """
    if not key or any(type(part) not in (int, str) for part in key):
        raise TypeError(f"the key of a generator is one or more int or str, not {key!r}")
    # JSON keeps 1 and "1" apart, and ("ab",) from ("a", "b").
    digest = hashlib.sha256(json.dumps(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
