"""A repository of a few files, whose code and protocols are read in place of this one's."""

from __future__ import annotations

import pytest

from common.running import code, register

CACHES = (code.closure, code.imported, code._tree, code._essence)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file of the repository, of which nothing is remembered then."""

    def write_file(file, text):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
        for cache in CACHES:
            cache.cache_clear()

    for module in (code, register):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    yield write_file
    for cache in CACHES:
        cache.cache_clear()
