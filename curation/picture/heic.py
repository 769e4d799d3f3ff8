"""HEIC, decoded in a process of its own: libheif ends it on damaged files, a few in a thousand.

The package pi-heif (LGPL) is optional. ``python curation/picture/heic.py`` is that process: a file
comes in on standard input, and a line of JSON and the pixels go out.
"""

import base64
import importlib.util
import json
import subprocess
import sys

from PIL import Image

SECONDS = 60
MEMORY = 4 << 30  # bytes of address space: pixels at the cap take half a gigabyte, twice
_MISSING = "HEIC without the package pi-heif (pip install 'inkstone[heic]')"


class HeicError(Exception):
    """The decoder refused the file, ended or took too long."""


class MissingError(Exception):
    """The package is not installed."""


def decode(data: bytes) -> Image.Image:
    """The first image, upright whatever its EXIF says. Raises the two errors above.

    Its ``info`` holds ``exif``, ``xmp``, and how many ``frames`` the file has.
    """
    if importlib.util.find_spec("pi_heif") is None:
        raise MissingError(_MISSING)
    command = [sys.executable, "-I", "-X", "utf8", __file__]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise HeicError(f"the decoder took more than {SECONDS} seconds") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HeicError(last if done.returncode == 1 else "the decoder died of it")
    line, _, pixels = done.stdout.partition(b"\n")
    said = json.loads(line)
    image = Image.frombytes(said["mode"], said["size"], pixels, "raw", said["mode"], said["stride"])
    image.info |= {name: base64.b64decode(said[name]) for name in ("exif", "xmp")}
    image.info["frames"] = said["frames"]
    return image


def _main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    import pi_heif
    from pi_heif import options

    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    # what it raises is the last line of the traceback, which the parent says of the file
    file = pi_heif.open_heif(sys.stdin.buffer.read(), convert_hdr_to_8bit=True)
    pixels = bytes(file.data)
    said = {"mode": file.mode, "size": file.size, "stride": file.stride, "frames": len(file)}
    for name in ("exif", "xmp"):
        said[name] = base64.b64encode(file.info.get(name) or b"").decode()
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + pixels)


if __name__ == "__main__":
    _main()
