"""From bytes of instructions to assembly text, and what kind of work an AArch64 instruction does. LLVM disassembles."""
from __future__ import annotations

import re
import subprocess
from typing import Iterable, Mapping

from compare.processes import Failed

ATTRIBUTES = {"aarch64": "+all", "x86_64": ""}
KINDS = ("multiply", "load", "store", "convert", "other")
_MULTIPLY = re.compile(r"(bfmmla|bfdot|bfmlal[bt]|fmmla|fn?ml[as]|fmlal2?[bt]?|fn?mad|fn?msb|fn?madd|fn?msub|fmulx?|[su]dot|us?mmla|smmla)$")
_CONVERT = re.compile(r"(bfcvt|fcvt|[su]cvtf|shll2?$|[su]shll2?$|[su]xtl2?$|[su]unpk)")
_WIDEN = re.compile(r"lsl\s+z\d+\.s, z\d+\.s, #16$")  # bf16 to fp32, where SVE has loaded 16 bits into 32
_INVALID = re.compile(r"<stdin>:(\d+):\d+: warning: invalid instruction encoding")


def kind_of(text: str) -> str:
    """One of KINDS, of an AArch64 instruction. Integer multiplications, which are of addresses, are "other"."""
    mnemonic = text.split(None, 1)[0]
    if _MULTIPLY.match(mnemonic):
        return "multiply"
    if mnemonic.startswith("ld"):
        return "load"
    if mnemonic.startswith("st"):
        return "store"
    if _CONVERT.match(mnemonic) or _WIDEN.match(text):
        return "convert"
    return "other"


_MACS = {"bfmmla": 16, "bfdot": 8, "bfmlalb": 4, "bfmlalt": 4, "fmmla": 8}  # multiply-adds in 128 bits
_FP32 = re.compile(r"(fn?ml[as]|fn?mad|fn?msb)$")
_VECTOR = re.compile(r"\b([vz])\d+\.(?:\d+)?([a-z])")


def macs_of(text: str, vector_bits: int) -> int:
    """Multiply-adds of an AArch64 instruction on vectors: bf16 products, or fp32 ones. SVE's are `vector_bits` long."""
    mnemonic, _, operands = text.partition("\t") if "\t" in text else text.partition(" ")
    vector = _VECTOR.search(operands)
    if not vector:
        return 0
    bits = vector_bits if vector.group(1) == "z" else 64 if re.match(r"\s*v\d+\.2s", operands) else 128
    if mnemonic in _MACS:
        return _MACS[mnemonic] * bits // 128
    if _FP32.match(mnemonic) and vector.group(2) == "s":
        return bits // 32
    return 0


def paired(encodings: list[str], printed: str, warnings: str) -> dict[str, str]:
    """Each encoding's text, of what llvm-mc printed for a list of them; those it did not know are left out."""
    unknown = {int(line) for line in _INVALID.findall(warnings)}
    known = [encoding for number, encoding in enumerate(encodings, 1) if number not in unknown]
    lines = [line.strip() for line in printed.splitlines() if line.startswith("\t") and not line.startswith("\t.")]
    if len(lines) != len(known):
        raise Failed(f"llvm-mc: {len(lines)} lines for {len(known)} instructions")
    return dict(zip(known, lines))


def disassembled(instructions: Iterable[str], architecture: str) -> dict[str, str]:
    """Instruction in hex digits -> its assembly; unknown ones are left out. Raises Failed."""
    distinct = sorted(set(instructions))
    # In brackets: of an encoding that is cut off (an instruction at a page's end) no part is read as another one.
    stream = "".join("[" + " ".join(f"0x{one[at:at + 2]}" for at in range(0, len(one), 2)) + "]\n" for one in distinct)
    command = ["llvm-mc-19", "--disassemble", f"--triple={architecture}", f"--mattr={ATTRIBUTES[architecture]}"]
    try:
        done = subprocess.run(command, input=stream, capture_output=True, text=True, timeout=600)
    except FileNotFoundError as error:
        raise Failed("llvm-mc-19: no such program; scripts/install_dependencies.sh ci installs it") from error
    return paired(distinct, done.stdout, done.stderr)


def mix(counts: Mapping[str, float], texts: Mapping[str, str]) -> dict[str, float]:
    """Kind -> executed instructions, of executions by instruction."""
    total = dict.fromkeys(KINDS, 0.0)
    for instruction, count in counts.items():
        total[kind_of(texts.get(instruction, "unknown"))] += count
    return total
