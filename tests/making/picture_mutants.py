"""Seeded damage to picture files, and a process of its own that decodes what comes of it.

``python -m making.picture_mutants FIRST LAST [KIND]`` decodes the mutants of these numbers, of all
formats in turn or of one, and prints one JSON object: how many ended in which way, the slowest of
them in CPU seconds, by how much the process grew, and the peaks of it and of those it started.
"""

import collections
import json
import random
import re
import resource
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from making.odd_pictures import odd

from curation.picture import decoding

KINDS = ("jpeg", "png", "webp", "gif", "tiff", "bmp", "avif", "jp2")
ADDRESS_SPACE = 6 << 30  # so that a runaway ends this process, not the machine
_VALUES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
_CODES = ("<I", ">I", "<H", ">H", "<Q", ">Q")
_HEADER = 200  # most lengths, sizes and offsets lie this near to the beginning


def seeds(kind: str) -> list[bytes]:
    """The whole files of a format that mutants of it are made from, in a fixed order."""
    return [data for name, (data, _, _) in sorted(odd().items()) if name.startswith(kind)]


def mutant(number: int, kind: str | None = None) -> bytes:
    """The file of this number: always the same bytes; without a kind the formats take turns."""
    chosen = random.Random(number)
    kind = kind or KINDS[number % len(KINDS)]
    data = chosen.choice(seeds(kind))
    for _ in range(chosen.choice((1, 1, 1, 2, 3))):
        data = chosen.choice(_DAMAGES)(data, chosen) or data
    return _with_right_checksums(data) if kind == "png" and chosen.random() < 0.7 else data


def _bits(data: bytes, chosen: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chosen.choice((1, 1, 2, 4, 16, 64))):
        changed[chosen.randrange(len(changed))] ^= 1 << chosen.randrange(8)
    return bytes(changed)


def _header_bytes(data: bytes, chosen: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chosen.choice((1, 1, 2, 4))):
        changed[chosen.randrange(min(_HEADER, len(changed)))] = chosen.randrange(256)
    return bytes(changed)


def _cut(data: bytes, chosen: random.Random) -> bytes:
    return data[: chosen.randrange(len(data))]


def _cut_out(data: bytes, chosen: random.Random) -> bytes:
    start, end = sorted((chosen.randrange(len(data)), chosen.randrange(len(data))))
    return data[:start] + data[end:]


def _doubled(data: bytes, chosen: random.Random) -> bytes:
    start = chosen.randrange(len(data))
    part = data[start : start + chosen.randrange(1, 300)] * chosen.choice((1, 2, 50))
    return data[:start] + part + data[start:]


def _spliced(data: bytes, chosen: random.Random) -> bytes:
    other = chosen.choice(seeds(chosen.choice(KINDS)))
    return data[: chosen.randrange(len(data))] + other[chosen.randrange(len(other)) :]


def _number_changed(data: bytes, chosen: random.Random) -> bytes:
    code = chosen.choice(_CODES)
    width = struct.calcsize(code)
    limit = len(data) if chosen.random() < 0.3 else min(_HEADER, len(data))
    place = chosen.randrange(max(1, limit - width))
    value = chosen.choice((*_VALUES, len(data), len(data) - 1, chosen.randrange(1 << 32)))
    raw = struct.pack(code, value & ((1 << 8 * width) - 1))
    return data[:place] + raw + data[place + width :]


def _zeroed(data: bytes, chosen: random.Random) -> bytes:
    start = chosen.randrange(len(data))
    end = min(len(data), start + chosen.randrange(1, 200))
    return data[:start] + bytes(end - start) + data[end:]


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_bits, _header_bytes, _cut, _cut_out, _doubled, _spliced, _zeroed),
    *(_number_changed, _number_changed),
)


def _with_right_checksums(data: bytes) -> bytes:
    """A PNG's checksums put right, so that damage gets beyond them, as far as its chunks go."""
    changed = bytearray(data)
    place = 8
    while place + 12 <= len(changed):
        end = place + 8 + struct.unpack_from(">I", changed, place)[0]
        if end + 4 > len(changed):
            break
        struct.pack_into(">I", changed, end, zlib.crc32(changed[place + 4 : end]))
        place = end + 4
    return bytes(changed)


def peak_memory() -> int:
    """The most memory this process has held so far, in bytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _seconds() -> float:
    """CPU seconds of this process and of those it started, HEIC's decoder among them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Decode the mutants of the numbers on the command line."""
    first, last = (int(word) for word in sys.argv[1:3])
    kind = next(iter(sys.argv[3:]), None)
    for name in KINDS:
        seeds(name)
    before = peak_memory()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    endings: collections.Counter[str] = collections.Counter()
    slowest = (0.0, -1)
    for number in range(first, last):
        data = mutant(number, kind)
        start = _seconds()
        try:
            decoding.decode(data, None if number % 2 else 32)
            endings["passed"] += 1
        except decoding.PictureError as error:
            endings[error.reason] += 1
        except BaseException as error:
            error.add_note(f"mutant {number}")
            raise
        slowest = max(slowest, (_seconds() - start, number))
    peak = peak_memory()
    result = {"endings": endings, "slowest": slowest, "grown": peak - before, "peak": peak}
    result["peak of children"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps(result))  # noqa: T201 (read by the test)


if __name__ == "__main__":
    main()
