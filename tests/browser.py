"""Chromium without a window, driven through its DevTools protocol over two pipes: no driver and no package is needed."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), " ": (32, " ")}


class Page:
    """A page in the browser; errors: what it wrote to its console as an error or a warning, and exceptions."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = os.fdopen(read, "rb"), os.fdopen(write, "wb")
        self._number, self._session, self._rest = 0, None, b""
        self.errors: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, path: Path, width: int, height: int = 900, scheme: str = "light") -> None:
        """Load a file at a window's size in a colour scheme, and wait until it is there."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        if failed := self.call("Page.navigate", url=path.resolve(strict=True).as_uri()).get("errorText"):
            raise ValueError(f"{path}: {failed}")
        self._wait("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return what a JavaScript expression gives, as JSON can say it. Raises ValueError if it throws."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ValueError(answer["exceptionDetails"]["exception"].get("description", script))
        return answer["result"].get("value")

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key as a keyboard does."""
        code, text = KEYS[key]
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: Any) -> dict:
        """Return the answer to a command of the protocol. Raises ValueError for one that it refuses."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        command = {"id": self._number, "method": method, "params": parameters, **session}
        self._write.write(json.dumps(command).encode() + b"\0")
        self._write.flush()
        answer = self._until(lambda message: message.get("id") == command["id"])
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _wait(self, event: str) -> None:
        self._until(lambda message: message.get("method") == event)

    def _until(self, fits: Any) -> dict:
        while True:
            while b"\0" not in self._rest:
                if not (more := self._read.read1(2**20)):
                    raise EOFError("the browser ended")
                self._rest += more
            text, self._rest = self._rest.split(b"\0", 1)
            message = json.loads(text)
            self._note(message.get("method"), message.get("params", {}))
            if fits(message):
                return message

    def _note(self, method: str | None, about: dict) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(about["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.errors.append(str(about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.errors.append(about["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not about["request"]["url"].startswith(("file:", "data:")):
            self.errors.append(f"asked the network for {about['request']['url']}")


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start Chromium with a profile of its own in the folder, and end it."""
    (own_read, its_write), (its_read, own_write) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in (its_read, its_write)]
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
    flags += ["--hide-scrollbars", "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}", "about:blank"]
    # The browser reads commands from descriptor 3 and writes to 4.
    command = ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]}', "bash", str(CHROMIUM), *flags]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, pass_fds=high, **quiet)
    for descriptor in (its_read, its_write, *high):
        os.close(descriptor)
    try:
        page = Page(own_read, own_write)
        yield page
        page._session = None
        page.call("Browser.close")
    finally:
        process.terminate()
        process.wait(timeout=20)
