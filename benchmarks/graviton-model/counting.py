"""Counts each case once: results lie in a folder under a name that changes with whatever they depend on."""
from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import time
from typing import Any, Callable

from compare.bench import Bench
from compare.peers.models import MODELS
from compare.processes import Failed, output_of

from . import emulator, profile
from .peer import REQUIREMENTS, Peer
from .workloads import Case, workload_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARM64 = ROOT / "build/arm64"
PROGRAM = "benchmarks/counted_inference"


@dataclasses.dataclass(frozen=True)
class Counted:
    blocks: profile.Counts
    printed: dict[str, Any]  # of infer.py, or of counted_inference: isa, precision, steps


def sizes_of(model: str) -> str:
    workload = workload_of(model)
    return ",".join(str(size) for size in MODELS[model].inputs[0].shape(1, workload.tokens))


def inference_command(program: pathlib.Path, file: pathlib.Path, model: str, precision: str) -> list[str | pathlib.Path]:
    return [program, file, "--sizes", sizes_of(model), "--precision", precision]


class Counter:
    """Runs cases in the emulator, or finds that they were run."""

    def __init__(self, folder: pathlib.Path, bench: Bench, program: pathlib.Path, say: Callable[[str], None]) -> None:
        self.folder, self.bench, self.program, self.say = folder, bench, program, say
        self.peer = Peer(folder / "peer")

    def identity(self, case: Case) -> str:
        """Of what the counts depend on."""
        files = [emulator.PLUGIN, *([self.program] if case.engine == "wherry" else [REQUIREMENTS, emulator.HERE / "emulated/infer.py"])]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()[:12]

    def counts_file(self, case: Case) -> pathlib.Path:
        return self.folder / "counts" / f"{case.name}-{self.identity(case)}.txt"

    def is_counted(self, case: Case) -> bool:
        return self.counts_file(case).with_suffix(".json").exists()

    def count(self, case: Case) -> Counted:
        """Raises Failed."""
        file = self.counts_file(case)
        told = file.with_suffix(".json")
        if not told.exists():
            self.bench.export(workload_of(case.model))
            started = time.monotonic()
            self.say(f"counting {case.name}")
            printed = self.run_wherry(case, file) if case.engine == "wherry" else self.run_torch(case, file)
            told.write_text(json.dumps(printed) + "\n")
            self.say(f"counting {case.name}: took {time.monotonic() - started:.0f} s")
        return Counted(profile.read(file), json.loads(told.read_text()))

    def run_torch(self, case: Case, file: pathlib.Path) -> dict[str, Any]:
        self.peer.prepare(self.say)
        workload = workload_of(case.model)
        inputs = [self.bench.case(workload) / f"{one.name}.npy" for one in MODELS[case.model].inputs]
        model = self.bench.case(workload) / "model.pt"
        printed = emulator.counted(self.folder, "aarch64", case.machine.cpu, self.peer.command(model, inputs), file,
                                   self.peer.environment(case.precision))
        return json.loads(printed.splitlines()[-1])

    def run_wherry(self, case: Case, file: pathlib.Path) -> dict[str, Any]:
        command = inference_command(self.program, self.bench.file(workload_of(case.model)), case.model, case.precision)
        printed = emulator.counted(self.folder, "aarch64", case.machine.cpu, command, file,
                                   {"WHERRY_FORCE_ISA": case.machine.isa[case.precision], "WHERRY_TUNING": ""})
        told = json.loads(printed.splitlines()[-1])
        if told["precision"] != case.precision:
            raise Failed(f"{case.name}: asked for {case.precision}, this build runs {told['precision']}: {told['note']}")
        return told


def build(preset: str) -> pathlib.Path:
    """The counting program, of the preset's build. Raises Failed."""
    if not (ROOT / "build" / preset / "build.ninja").exists():
        output_of(["cmake", "--preset", preset], cwd=ROOT)
    output_of(["cmake", "--build", "--preset", preset, "--target", "counted_inference"], cwd=ROOT, timeout=7200)
    return ROOT / "build" / preset / PROGRAM
