"""Random streams depend on their key and on nothing else."""

from __future__ import annotations

import hashlib

import pytest
import torch

from common.learning.randomness import generator


def test_the_seed_follows_from_the_key():
    digest = hashlib.sha256(b'[3, "class order"]').hexdigest()
    assert generator(3, "class order").initial_seed() == int(digest[:16], 16) // 2


def test_equal_keys_give_equal_streams_whatever_else_is_drawn():
    first = torch.randn(5, generator=generator(0, "weights"))
    torch.manual_seed(99)
    generator(1, "weights").seed()
    assert torch.equal(torch.randn(5, generator=generator(0, "weights")), first)


def test_different_keys_give_different_streams():
    keys = [(0,), (1,), ("0",), (0, "a"), (0, "b"), (1, "a"), ("a", "b"), ("ab",), ("a", 0), (-1,)]
    assert len({generator(*key).initial_seed() for key in keys}) == len(keys)
    draws = {tuple(torch.randperm(20, generator=generator(*key)).tolist()) for key in keys}
    assert len(draws) == len(keys)


@pytest.mark.parametrize("key", [(), (1.0,), (True,), (None, "a"), (torch.tensor(1),)])
def test_other_keys_are_refused(key):
    with pytest.raises(TypeError, match="int or str"):
        generator(*key)
