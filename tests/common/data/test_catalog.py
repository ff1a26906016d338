"""The catalogue is complete, and where data would come from is told correctly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from common.data import catalog
from common.data.catalog import DataError, entry, mirror_file, mirror_folder, origin

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
        if archive.checksum:
            kind, digest = archive.checksum.split(":")
            assert len(digest) == {"md5": 32, "sha256": 64}[kind]
    for variant in facts.variants:
        for known in variant.splits.values():
            assert known.fingerprint is None or len(known.fingerprint) == 64


def test_holds_eight_data_sets_and_names_the_closest_to_another_and_100_classes_of_imagenet():
    assert list(catalog.catalog()) == NAMES
    with pytest.raises(DataError, match="unknown data set 'omnigot': did you mean 'omniglot'"):
        entry("omnigot")
    ids = entry("imagenet").class_ids
    assert len(set(ids)) == 100 and list(ids) == sorted(ids)


def test_malformed_catalogue_is_refused(tmp_path, monkeypatch):
    broken = tmp_path / "catalog.yaml"
    broken.write_text("mnist: {title: MNIST}\n")
    monkeypatch.setattr(catalog, "CATALOG", broken)
    with pytest.raises(DataError, match="cannot read the data catalogue"):
        catalog.catalog.__wrapped__()


def test_configured_mirror_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("DATA_MIRROR", "/from/environment")
    assert mirror_folder("/configured") == "/configured"
    assert mirror_folder("") == "/from/environment"
    monkeypatch.delenv("DATA_MIRROR")
    assert mirror_folder(None) is None


def test_mirror_file_takes_the_whole_set_before_a_reduced_one(tmp_path):
    assert mirror_file("cifar100", tmp_path) is None
    (tmp_path / "cifar100_reduced.npz").touch()
    assert mirror_file("cifar100", tmp_path) == str(tmp_path / "cifar100_reduced.npz")
    (tmp_path / "cifar100.npz").touch()
    assert mirror_file("cifar100", tmp_path) == str(tmp_path / "cifar100.npz")


def test_origin_changes_as_real_data_appears(tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    mirror, root = tmp_path / "mirror", tmp_path / "data"
    assert origin("mnist", mirror, root) == "stand-in"
    mirror.mkdir()
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
