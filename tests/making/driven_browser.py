"""A headless Chromium that is driven over a pipe (DevTools protocol): pages of a live server at the
width of a phone, keys, clicks, screenshots.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from making import browser

DEADLINE = 60.0  # seconds


class Tab:
    """A page that is open. ``problems`` are what its console says: errors and refusals."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._left, self._number, self._session = b"", 0, ""
        self.problems: list[str] = []

    def attach(self) -> None:
        """Open a page and listen to it."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = session["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser has ended"
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(event["params"]["exceptionDetails"]))
        if event.get("method") == "Log.entryAdded":
            entry = event["params"]["entry"]
            if entry["level"] == "error":
                self.problems.append(entry["text"])

    def show(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Show pages so wide from now on."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> None:
        """Open an address and wait until it is there."""
        self.send("Page.navigate", url=address)
        self.wait("location.href !== 'about:blank'")

    def ask(self, script: str) -> Any:
        """What an expression of the page's comes to, promises awaited, as JSON."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """What an expression comes to, once it is true, of a page that is there with its script."""
        end = time.monotonic() + DEADLINE
        while not (value := self.ask(f"document.readyState === 'complete' && ({script})")):
            assert time.monotonic() < end, script
            time.sleep(0.03)
        return value

    def press(self, key: str) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, **text)

    def photograph(self, path: Path, *, whole_page: bool = False, quality: int = 80) -> None:
        """Write what is seen as a JPEG."""
        shot = self.send(
            "Page.captureScreenshot",
            format="jpeg",
            quality=quality,
            captureBeyondViewport=whole_page,
        )
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def opened(folder: Path) -> Iterator[Tab]:
    """A browser with its profile in ``folder``. Skips the test where there is none."""
    executable = browser.executable()
    ours, theirs = os.pipe(), os.pipe()

    arguments = [executable, "--headless", "--no-sandbox", "--disable-gpu"]
    arguments += ["--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
    script = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'  # where it looks for its commands
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *arguments],
        pass_fds=(ours[0], theirs[1]),
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        tab = Tab(ours[1], theirs[0])
        tab.attach()
        yield tab
        tab.send("Page.close")
    finally:
        process.terminate()
        process.wait(30)
        os.close(ours[1])
        os.close(theirs[0])
