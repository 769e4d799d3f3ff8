"""Headless Chromium, started once: a slide as HTML, a box of every glyph, and a PNG file.

It is spoken to by the DevTools protocol; the CPU time is that of all its processes.
"""

import atexit
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import websocket  # type: ignore[import-not-found]

from benchmarks.peers.serving import Draw, Rendered, serve

_SECONDS = 30.0
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--remote-debugging-port=0",
]
_LOAD = "Promise.all([...document.fonts].map(face => face.load())).then(all => all.length)"
_READY = "document.fonts.ready.then(() => 1)"
_SHOW = "(told => { document.body.innerHTML = told; })"
_BOXES = """(() => {
    const boxes = [], range = document.createRange();
    for (const block of document.getElementsByClassName('t')) {
        const text = block.firstChild;
        if (!text) continue;
        let place = 0;
        for (const character of text.data) {
            range.setStart(text, place);
            range.setEnd(text, place += character.length);
            for (const one of range.getClientRects())
                boxes.push([character, one.left, one.top, one.right, one.bottom]);
        }
    }
    return boxes;
})()"""


class Browser:
    """One page of one browser."""

    def __init__(self, folder: Path, page: Path, size: tuple[int, int]) -> None:
        width, height = size
        command = ["chromium", *_OPTIONS, f"--user-data-dir={folder}"]
        command += [f"--window-size={width},{height}", "about:blank"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        self.socket = websocket.create_connection(
            _address(folder), timeout=_SECONDS, suppress_origin=True
        )
        self.number = 0
        self.happened: list[str] = []
        self.say("Page.enable")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.say("Emulation.setDeviceMetricsOverride", **metrics)
        self.go(page.absolute().as_uri())
        self.find(_LOAD)

    def find(self, expression: str) -> Any:
        """The value of an expression in the page, or of the promise it is."""
        options = {"awaitPromise": True, "returnByValue": True}
        answer = self.say("Runtime.evaluate", expression=expression, **options)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression[:60]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def go(self, address: str) -> None:
        """Open a document and wait until it and its fonts are loaded."""
        self.happened.clear()
        self.say("Page.navigate", url=address)
        while "Page.loadEventFired" not in self.happened:
            self.happened.append(json.loads(self.socket.recv()).get("method", ""))
        self.find(_READY)

    def say(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.happened.append(answer.get("method", ""))

    def cpu(self) -> float:
        """Seconds of all its processes."""
        root = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
        return float(sum(process.user + process.system for process in times))

    def close(self) -> None:
        """End it with all its processes."""
        self.say("Browser.close")
        self.process.wait(_SECONDS)


def _address(folder: Path) -> str:
    """Of the page, from the port the browser has written down."""
    until = time.monotonic() + _SECONDS
    file = folder / "DevToolsActivePort"
    while time.monotonic() < until:
        if file.exists() and file.read_text().strip():
            port = file.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                for page in json.load(answer):
                    if page["type"] == "page":
                        return str(page["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise RuntimeError(f"Chromium did not answer within {_SECONDS:.0f} s")


def prepare(setup: dict[str, str]) -> Draw:
    """``variant`` default opens a document per slide; kept changes one page whose fonts are
    loaded, and asks for the quickest PNG compression.
    """
    place = Path(setup["slides"])
    slides = [json.loads(line) for line in place.read_text("utf-8").splitlines()]
    size = slides[0]["width"], slides[0]["height"]
    kept = setup["variant"] == "kept"
    taken = {"format": "png", "optimizeForSpeed": kept}
    endless = cycle(slides)
    folder = tempfile.mkdtemp()
    browser = Browser(Path(folder), place.with_suffix(".html"), size)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(browser.close)

    def draw(pictures: int) -> Rendered:
        drawn, begun = Rendered(counts={"boxes": 0}), browser.cpu()
        for _ in range(pictures):
            slide = next(endless)
            if kept:
                browser.find(f"{_SHOW}({json.dumps(slide['html'])})")
            else:
                browser.go(slide["address"])
            boxes = browser.find(_BOXES)
            image = base64.b64decode(browser.say("Page.captureScreenshot", **taken)["data"])
            drawn.add(*size, len(boxes), len(image))
            if "keep" in setup:
                Path(setup["keep"]).write_bytes(image)
        drawn.cpu = browser.cpu() - begun
        return drawn

    return draw


if __name__ == "__main__":
    serve(prepare)
