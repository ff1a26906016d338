"""The catalogue is complete, and where data would come from is told correctly."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from common.data import catalog
from common.data.catalog import DataError, entry, given_folder, mirror_file, origin

NAMES = ["mnist", "fashion_mnist", "notmnist", "omniglot", "cifar10", "cifar100", "svhn", "imagenet"]


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_consistent(name):
    facts = entry(name)
    assert facts.variants[0].completeness == "complete"
    assert set(facts.variants[0].splits) == set(facts.classes) == set(facts.smoke)
    for split, portion in facts.smoke.items():
        assert portion.classes <= facts.classes[split]
    for archive in facts.archives:
        assert archive.urls and all(url.startswith("http") and url.endswith(archive.file) for url in archive.urls)
        if name == "notmnist":  # has no published SHA-256
            assert archive.checksum is None and all(re.search("/[0-9a-f]{40}/", url) for url in archive.urls)
        else:
            assert re.fullmatch("sha256:[0-9a-f]{64}", archive.checksum)
    for variant in facts.variants:
        for known in variant.splits.values():
            assert known.fingerprint is None or len(known.fingerprint) == 64


def test_holds_eight_data_sets_and_names_the_closest_to_another_and_100_classes_of_imagenet():
    assert list(catalog.catalog()) == NAMES
    with pytest.raises(DataError, match="unknown data set 'omnigot': did you mean 'omniglot'"):
        entry("omnigot")
    ids = entry("imagenet").class_ids
    assert len(set(ids)) == 100 and list(ids) == sorted(ids)


BROKEN = {
    "entry": (b"mnist: {title: MNIST}\n", "cannot read .*KeyError"),
    "syntax": (b"mnist: {title: [MNIST}\n", "cannot read .*line 1, column .*: correct it, in UTF-8, or restore it$"),
    "another checksum": (
        catalog.CATALOG.read_bytes().replace(b"sha256:440fcabf73cc546fa21475e81ea37026", b"sha1:"),
        "train-images-idx3-ubyte.gz is not sha256: and 64",
    ),
    "list": (b"- mnist\n", "cannot read"),
    "nothing": (b"", "cannot read"),
    "Latin-1": ("mnist: {title: Müller}\n".encode("latin-1"), "is not plain YAML.*: correct it, in UTF-8, or"),
    "UTF-16": ("mnist: {title: MNIST}\n".encode("utf-16"), "is not plain YAML.*: correct it, in UTF-8, or"),
}


@pytest.mark.parametrize("content, message", BROKEN.values(), ids=BROKEN)
def test_malformed_catalogue_is_refused_in_one_line(tmp_path, monkeypatch, content, message):
    broken = tmp_path / "catalog.yaml"
    broken.write_bytes(content)
    monkeypatch.setattr(catalog, "CATALOG", broken)
    with pytest.raises(DataError, match=message) as caught:
        catalog.catalog.__wrapped__()
    assert str(broken) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_configured_mirror_goes_before_the_environment(monkeypatch, tmp_path):
    for name in ("configured", "environment"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA_MIRROR", "~/environment")
    assert given_folder("data_mirror", "~/configured") == str(tmp_path / "configured")
    assert given_folder("data_mirror", "") == str(tmp_path / "environment")
    monkeypatch.delenv("DATA_MIRROR")
    assert given_folder("data_mirror", None) is None


def test_a_mirror_that_may_not_be_read_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog.os, "access", lambda path, mode: False)  # no file denies anything to root
    with pytest.raises(DataError, match=f"{tmp_path} may not be read: allow it, correct data_mirror or DATA_MIRROR"):
        given_folder("data_mirror", tmp_path)
    (tmp_path / "mnist.npz").symlink_to(tmp_path / "gone.npz")
    assert mirror_file("mnist", tmp_path) == str(tmp_path / "mnist.npz")  # for the reader to refuse


def test_mirror_file_takes_the_whole_set_before_a_reduced_one(tmp_path):
    assert mirror_file("cifar100", tmp_path) is None
    (tmp_path / "cifar100_reduced.npz").touch()
    assert mirror_file("cifar100", tmp_path) == str(tmp_path / "cifar100_reduced.npz")
    (tmp_path / "cifar100.npz").touch()
    assert mirror_file("cifar100", tmp_path) == str(tmp_path / "cifar100.npz")


def test_origin_changes_as_real_data_appears(tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    mirror, root = tmp_path / "mirror", tmp_path / "data"
    mirror.mkdir()
    assert origin("mnist", mirror, root) == "stand-in"
    (mirror / "mnist.npz").touch()
    assert origin("mnist", mirror, root).startswith(f"mirror {mirror / 'mnist.npz'} ")
    (root / "prepared").mkdir(parents=True)
    (root / "prepared" / "mnist.npz").touch()
    assert origin("mnist", mirror, root).startswith("prepared ")


def test_listing_tells_where_each_set_is(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    (tmp_path / "tiny_imagenet_28.npz").touch()
    catalog.main(["--root", str(tmp_path), "--mirror", str(tmp_path)])
    listing = capsys.readouterr().out
    assert f"in the mirror: {tmp_path / 'tiny_imagenet_28.npz'}" in listing
    assert listing.count("to be downloaded") == 7
    assert "licence: MIT" in listing


def test_import_is_cheap():
    check = "import sys, common.data.catalog; sys.exit(any(m in sys.modules for m in ('numpy', 'torch', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
