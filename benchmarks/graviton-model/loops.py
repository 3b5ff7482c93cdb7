"""The inner loop of every AArch64 micro-kernel, found in the built objects by disassembly."""
from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import Iterator, Sequence

from compare.processes import output_of

from .assembly import macs_of
from .pipeline import Core

SOURCES = re.compile(r"_(neon|sve\d*)(_bf16)?\.cc\.o$")
_FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
_BRANCH = re.compile(r"(b\.\w+|cbn?z|tbn?z|b)\s.*?0x([0-9a-f]+)\b")


@dataclasses.dataclass(frozen=True)
class Line:
    address: int
    text: str  # mnemonic, a tab, operands; branch targets as addresses


@dataclasses.dataclass(frozen=True)
class Loop:
    object: str
    function: str
    body: tuple[str, ...]

    def macs(self, vector_bits: int) -> int:
        return sum(macs_of(text, vector_bits) for text in self.body)

    @property
    def family(self) -> tuple[str, str]:
        """Object, and function without its template's arguments: variants of one kernel."""
        return self.object, re.sub(r"[<(].*$", "", self.function.replace("(anonymous namespace)", "").replace("operator()", "operator"))

    def runs_on(self, core: Core) -> bool:
        """Neoverse N1 has neither SVE nor BF16, and a file named for a vector length needs that."""
        length = re.search(r"_sve(\d+)", self.object)
        return (core.bf16_macs > 0 or self.object.endswith("_neon")) and (not length or int(length.group(1)) == core.vector_bits)


def functions_in(printed: str) -> Iterator[tuple[str, list[Line]]]:
    """Name and instructions of each function that llvm-objdump printed."""
    name, lines = "", []
    for line in printed.splitlines():
        if begin := _FUNCTION.match(line):
            if lines:
                yield name, lines
            name, lines = begin.group(1), []
        elif instruction := _INSTRUCTION.match(line):
            lines.append(Line(int(instruction.group(1), 16), instruction.group(2).strip()))
    if lines:
        yield name, lines


def innermost(lines: Sequence[Line]) -> list[list[Line]]:
    """Bodies of the loops (ends of backward branches) that hold no other loop."""
    at = {line.address: index for index, line in enumerate(lines)}
    spans = set()
    for index, line in enumerate(lines):
        branch = _BRANCH.match(line.text)
        if branch and (first := at.get(int(branch.group(2), 16))) is not None and first <= index:
            spans.add((first, index))
    return [list(lines[first:last + 1]) for first, last in sorted(spans)
            if not any((first, last) != other and first <= other[0] and other[1] <= last for other in spans)]


def without_addresses(text: str) -> str:
    """As llvm-mca reads it: a branch goes somewhere, and where does not matter."""
    return re.sub(r"0x[0-9a-f]+ <.*>$", "#0", text.split("//")[0].strip())


def loops_of(object_name: str, printed: str, vector_bits: int) -> list[Loop]:
    """Each function's loop that multiplies most in an iteration; none of functions without."""
    found = []
    for function, lines in functions_in(printed):
        bodies = [Loop(object_name, function, tuple(without_addresses(line.text) for line in body)) for body in innermost(lines)]
        best = max(bodies, key=lambda loop: loop.macs(vector_bits), default=None)
        if best is not None and best.macs(vector_bits):
            found.append(best)
    return found


def loops_in(build: pathlib.Path, vector_bits: int) -> list[Loop]:
    """Of all kernel objects of an AArch64 build. Raises Failed."""
    found = []
    for path in sorted((build / "src/kernels").rglob("*.o")):
        if SOURCES.search(path.name):
            printed = output_of(["llvm-objdump-19", "--disassemble", "--demangle", "--no-show-raw-insn", "--mattr=+all", path])
            found += loops_of(path.name.removesuffix(".cc.o"), printed, vector_bits)
    return found


def peak_of(loop: Loop, fp32_macs: int) -> float:
    """Multiply-adds a cycle, were every pipe to multiply in every cycle: BFMMLA, BFDOT and FMLA go through the same pipes at the same rate."""
    each = [macs for text in loop.body if (macs := macs_of(text, 128))]
    return sum(each) / len(each) * fp32_macs / 4


@dataclasses.dataclass(frozen=True)
class FewRows:
    """A loop over depth for the least rows that its instructions can use."""

    title: str
    rows: str
    steps: int  # of four in depth, that an iteration takes
    body: tuple[str, ...]

    def weight_bytes(self, vector_bits: int) -> int:
        """Of a step. Loads of whole vectors are of weights; those of A are repeated over a vector."""
        return sum(bool(re.match(r"ld1[hwd]\s", text)) for text in self.body) * vector_bits // 8 // self.steps


def with_bfdot(body: Sequence[str]) -> tuple[str, ...]:
    """A loop of one pair of rows with BFDOT for BFMMLA: four in depth of one row, repeated, times the same weights."""
    return tuple(re.sub(r"^ld1rqh\s*\{ z(\d+)\.h \}", r"ld1rd\t{ z\1.d }", text.replace("bfmmla", "bfdot", 1)) for text in body)


def few_rows(loops: Sequence[Loop]) -> list[FewRows]:
    """Of SVE's bf16 product of one pair of rows: as it is, and with BFDOT."""
    one = next((loop for loop in loops if loop.object == "bf16_block_sve_bf16" and "product<1, 4>" in loop.function), None)
    if not one:
        return []
    steps = sum(text.startswith("ld1rq") for text in one.body)
    return [FewRows("BFMMLA, as it is", "1 or 2", steps, one.body), FewRows("BFDOT instead", "1", steps, with_bfdot(one.body))]
