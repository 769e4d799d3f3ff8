"""A headless Chromium that shows a page at some width and says what a script found in it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
DARK = "--blink-settings=preferredColorScheme=0"


def executable() -> str:
    """The browser here. Skips the test where there is none."""
    there = [path for name in NAMES if (path := shutil.which(name))]
    if not there:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    return there[0]


def look(page: str, script: str, folder: Path, *, width: int, dark: bool = False) -> Any:
    """What ``script``, a function body over the page's ``document``, returns, as JSON.

    A browser's window is at least 500 pixels wide, so that the page lies in a frame.
    """
    source = html.escape(page)
    around = (
        '<meta name="color-scheme" content="light dark"><body style="margin:0">'
        f'<iframe style="border:0" width="{width}" height="900" srcdoc="{source}"></iframe>'
        "<script>onload = () => { const frame = document.querySelector('iframe');"
        f"const look = (document, window) => {{ {script} }};"
        "const seen = look(frame.contentDocument, frame.contentWindow);"
        "document.body.textContent = `SEEN${JSON.stringify(seen)}SEEN`; }</script>"
    )
    path = folder / "around.html"
    path.write_text(around, encoding="utf-8")
    command = [executable(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={max(width, 500)},900"]
    command += [DARK] if dark else []
    ended = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    seen = re.search(r"SEEN(.*)SEEN", ended.stdout, re.DOTALL)
    assert seen, ended.stdout[-2000:] + ended.stderr[-2000:]
    return json.loads(html.unescape(seen[1]))
