"""Which function an offset in a program or library belongs to."""
from __future__ import annotations

import bisect
import functools
import pathlib
import struct
from typing import NamedTuple

from compare.processes import Failed, output_of

from .profile import GENERATED, Place


class Segment(NamedTuple):
    offset: int
    address: int
    size: int  # in the file


class Symbol(NamedTuple):
    address: int
    size: int
    name: str


def segments(file: bytes) -> list[Segment]:
    """Loaded parts of a 64-bit little-endian ELF file."""
    first, = struct.unpack_from("<Q", file, 32)
    entry_size, count = struct.unpack_from("<HH", file, 54)
    found = []
    for at in range(first, first + entry_size * count, entry_size):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", file, at)
        if kind == 1:  # PT_LOAD
            found.append(Segment(offset, address, size))
    return found


def address_of(offset: int, loaded: list[Segment]) -> int | None:
    return next((one.address + offset - one.offset for one in loaded if one.offset <= offset < one.offset + one.size), None)


def parsed(printed: str) -> list[Symbol]:
    """Of `nm --print-size`: functions, by address."""
    found = []
    for line in printed.splitlines():
        words = line.split(None, 3)
        if len(words) == 4 and words[2] in "TtWwVi" and len(words[1]) == 16:
            found.append(Symbol(int(words[0], 16), int(words[1], 16), words[3]))
    return sorted(set(found))


def name_at(address: int, symbols: list[Symbol], addresses: list[int]) -> str | None:
    at = bisect.bisect_right(addresses, address) - 1
    if at >= 0 and address < symbols[at].address + symbols[at].size:
        return symbols[at].name
    return None


@functools.lru_cache(maxsize=None)
def table_of(file: str) -> tuple[list[Segment], list[Symbol], list[int]]:
    symbols: list[Symbol] = []
    for which in ([], ["--dynamic"]):
        try:
            symbols += parsed(output_of(["llvm-nm-19", "--demangle", "--defined-only", "--print-size", *which, file]))
        except Failed:  # a file without this table
            pass
    symbols = sorted(set(symbols))
    return segments(pathlib.Path(file).read_bytes()), symbols, [one.address for one in symbols]


def function_at(place: Place) -> str:
    """The function's name, or that of the file where it has none (libraries hide theirs)."""
    name = pathlib.Path(place.file).name
    if place.file == GENERATED:
        return GENERATED
    try:
        loaded, symbols, addresses = table_of(place.file)
    except OSError:
        return name
    address = address_of(place.offset, loaded)
    function = name_at(address, symbols, addresses) if address is not None else None
    return function or f"in {name}"
