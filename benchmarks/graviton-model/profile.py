"""What the plugin wrote: translation blocks with their executions, where in which file each lies, and arithmetic on them."""
from __future__ import annotations

import bisect
import dataclasses
import pathlib
from typing import Iterable, Iterator, Mapping, NamedTuple

GENERATED = "[generated]"  # code of no file: a just-in-time compiler's


class Place(NamedTuple):
    """Where code lies; the same in every process, whatever addresses its files were mapped to."""

    file: str  # or GENERATED
    offset: int  # in the file; 0 in generated code, which is known by its instructions alone


class Block(NamedTuple):
    """Instructions that run one after the other, to a branch or the end of a page."""

    place: Place
    instructions: tuple[str, ...]  # each as hex digits of its bytes, in memory's order

    @property
    def end(self) -> Place:
        return Place(self.place.file, self.place.offset + sum(len(one) // 2 for one in self.instructions))


Counts = Mapping[Block, float]  # executions


@dataclasses.dataclass(frozen=True)
class FileMapping:
    begin: int
    end: int
    offset: int
    file: str


def file_mappings(lines: Iterable[str]) -> list[FileMapping]:
    """Of lines of /proc/PID/maps, those of files, by address."""
    found = []
    for line in lines:
        words = line.split(maxsplit=5)
        if len(words) == 6 and words[5].startswith("/"):
            begin, end = (int(word, 16) for word in words[0].split("-"))
            found.append(FileMapping(begin, end, int(words[2], 16), words[5].strip()))
    return sorted(found, key=lambda one: one.begin)


def place_of(address: int, mappings: list[FileMapping], begins: list[int]) -> Place:
    at = bisect.bisect_right(begins, address) - 1
    if at >= 0 and address < mappings[at].end:
        return Place(mappings[at].file, mappings[at].offset + address - mappings[at].begin)
    return Place(GENERATED, 0)


def read(path: pathlib.Path) -> dict[Block, int]:
    """Executions by block: what was translated more than once is one block again."""
    with open(path) as file:
        lines = file.read().splitlines()
    mappings = file_mappings(line[4:] for line in lines if line.startswith("map "))
    begins = [one.begin for one in mappings]
    counts: dict[Block, int] = {}
    for line in lines:
        if line.startswith("block "):
            _, address, executions, *instructions = line.split()
            block = Block(place_of(int(address, 16), mappings, begins), tuple(instructions))
            counts[block] = counts.get(block, 0) + int(executions)
    return counts


def instructions_in(counts: Counts) -> float:
    return sum(len(block.instructions) * count for block, count in counts.items())


def half_of_difference(many: Counts, few: Counts) -> dict[Block, float]:
    """Of what ran more often in one run than in another; what ran less often, no part of the work that was added, is left out."""
    return {block: (count - few.get(block, 0)) / 2 for block, count in many.items() if count > few.get(block, 0)}


def joined(counts: Counts) -> dict[Block, float]:
    """Blocks that lie one after the other and ran equally often are one: a loop's body that a page's end or a branch never taken parts."""
    at = {block.place: block for block in sorted(counts, key=lambda one: counts[one]) if block.place.file != GENERATED}
    follows: dict[Block, Block] = {}
    inner: set[Block] = set()  # each follows one, though another may end where it begins
    for block, count in counts.items():
        after = at.get(block.end)
        if block.place.file != GENERATED and after is not None and counts[after] == count and at.get(block.place) is block and after not in inner:
            follows[block] = after
            inner.add(after)
    made: dict[Block, float] = {}
    for block, count in counts.items():
        if block not in inner:
            made[Block(block.place, tuple(chained(block, follows)))] = count
    return made


def chained(block: Block | None, follows: Mapping[Block, Block]) -> Iterator[str]:
    while block is not None:
        yield from block.instructions
        block = follows.get(block)
