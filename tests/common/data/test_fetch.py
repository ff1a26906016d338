"""Downloads against a local server: resume, the next source, checksums, and each way to fail."""

from __future__ import annotations

import builtins
import errno
import hashlib
import http.server
import threading
import time

import pytest

from common.data import fetch
from common.data.catalog import DataError
from common.data.fetch import download

CONTENT = bytes(range(256)) * 4000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """/good honours Range, /whole ignores it; /bad sends other bytes, /cut half of what it said; /slow trickles."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Range")))
        body, start = (CONTENT[::-1] if self.path == "/bad" else CONTENT), 0
        if self.path == "/missing":
            return self.send_error(404)
        if self.path != "/whole" and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if self.path == "/cut":
            body = body[: len(body) // 2]
        if self.path == "/slow":
            for i in range(start, start + 40):
                self.wfile.write(body[i : i + 1])
                time.sleep(0.05)
        else:
            self.wfile.write(body[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """The server is on this machine, which a proxy in the environment would not reach."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads, running.seen = True, []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        yield running
        running.shutdown()
        thread.join(timeout=5)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_downloads_with_share_and_rate_and_then_leaves_it_alone(server, tmp_path, capsys):
    for _ in range(2):
        path = download([f"{server.url}/good"], tmp_path / "raw" / "set.gz", SHA256)
        assert path.read_bytes() == CONTENT
    assert len(server.seen) == 1 and files(tmp_path / "raw") == ["set.gz"]
    assert "set.gz: 1.0 of 1.0 MB (100%), " in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["good", "whole"])
def test_resumes_an_unfinished_file(server, tmp_path, kind):
    (tmp_path / "set.gz.part").write_bytes(CONTENT[:1000])
    assert download([f"{server.url}/{kind}"], tmp_path / "set.gz", SHA256).read_bytes() == CONTENT
    assert server.seen == [(f"/{kind}", "bytes=1000-")]


@pytest.mark.parametrize("left", [b"wrong" * 100, CONTENT + b"more", CONTENT], ids=["wrong", "longer", "whole"])
def test_starts_afresh_if_what_was_resumed_is_wrong(server, tmp_path, left):
    (tmp_path / "set.gz.part").write_bytes(left)
    assert download([f"{server.url}/good"], tmp_path / "set.gz", SHA256).read_bytes() == CONTENT
    assert len(server.seen) == (1 if left == CONTENT else 2)
    assert files(tmp_path) == ["set.gz"]


@pytest.mark.parametrize("first", ["bad", "cut", "missing"])
def test_next_source_takes_over(server, tmp_path, capsys, first):
    assert (
        download([f"{server.url}/{first}", f"{server.url}/good"], tmp_path / "set.gz", SHA256).read_bytes() == CONTENT
    )
    assert files(tmp_path) == ["set.gz"]
    assert "trying the next source" in capsys.readouterr().err


def test_slow_source_is_left_for_a_faster_one(server, tmp_path):
    urls = [f"{server.url}/slow", f"{server.url}/good"]
    start = time.monotonic()
    assert download(urls, tmp_path / "set.gz", SHA256, floor=10_000, patience=0.3).read_bytes() == CONTENT
    assert time.monotonic() - start < 1.5
    assert [path for path, _ in server.seen] == ["/slow", "/good"]


def test_slow_source_is_tried_again_without_a_floor_if_no_other_works(server, tmp_path):
    with pytest.raises(DataError, match="slower than"):
        download(
            [f"{server.url}/slow", f"{server.url}/missing"], tmp_path / "set.gz", SHA256, floor=10_000, patience=0.3
        )
    assert [path for path, _ in server.seen] == ["/slow", "/missing", "/slow"]


def test_wrong_checksum_everywhere_leaves_nothing_and_lists_the_sources(server, tmp_path):
    with pytest.raises(DataError) as caught:
        download([f"{server.url}/bad", f"{server.url}/missing"], tmp_path / "set.gz", SHA256, len(CONTENT))
    message = str(caught.value)
    assert f"{server.url}/bad: wrong file (sha256:" in message
    assert f"{server.url}/missing: HTTP 404" in message
    assert f"put the file at {tmp_path / 'set.gz'} by hand (expected: {SHA256}, {len(CONTENT)} bytes)" in message
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("source", "expected", "message", "left"),
    [
        (
            "/cut",
            (SHA256, None),
            f"connection closed after {len(CONTENT) // 2} of {len(CONTENT)} bytes",
            ["set.gz.part"],
        ),
        ("/good", (None, 5), f"{len(CONTENT)} bytes, expected 5", []),
        (None, (SHA256, None), "no connection", []),
    ],
    ids=["truncated", "of another size", "no network"],
)
def test_a_download_that_fails_is_not_under_the_files_name(server, tmp_path, source, expected, message, left):
    url = server.url + source if source else "http://127.0.0.1:9/set.gz"
    with pytest.raises(DataError, match=message):
        download([url], tmp_path / "set.gz", *expected)
    assert files(tmp_path) == left


def test_wrong_file_put_by_hand_is_named(tmp_path):
    (tmp_path / "set.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match="is not the official file .* delete it and run again"):
        download([], tmp_path / "set.gz", SHA256)


def test_file_in_place_of_the_folder(server, tmp_path):
    (tmp_path / "raw").write_text("in the way")
    with pytest.raises(DataError, match="cannot write .* writable folder"):
        download([f"{server.url}/good"], tmp_path / "raw" / "set.gz", SHA256)


@pytest.mark.parametrize(
    "code, message", [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "cannot write .*Permission denied.* --root")]
)
def test_disk_full_or_unwritable_folder(server, tmp_path, monkeypatch, code, message):
    def failing_open(path, mode="r", *arguments, **keywords):
        if "w" in mode or "a" in mode:
            raise OSError(code, "Permission denied")
        return builtins.open(path, mode, *arguments, **keywords)

    monkeypatch.setattr(fetch, "open", failing_open, raising=False)
    with pytest.raises(DataError, match=message):
        download([f"{server.url}/good"], tmp_path / "set.gz", SHA256)
    assert files(tmp_path) == []
