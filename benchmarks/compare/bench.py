"""Runs one entrant of a workload: finds its Python, its environment and its model, and starts the process that is timed."""
from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any, Callable, Mapping, Sequence

from . import wherry
from .processes import Failed, output_of
from .workloads import ENGINES, Entrant, Workload

PEERS = pathlib.Path(__file__).resolve().parent / "peers"
# What a user may have set for one engine must not change what another is asked to do.
CLEARED = ("DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE", "WHERRY_FORCE_ISA", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA",
           "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "GOMP_CPU_AFFINITY", "OMP_PROC_BIND", "KMP_AFFINITY")


@dataclasses.dataclass
class Bench:
    """What stays the same over all rounds."""

    program: pathlib.Path  # wherry
    venv_python: pathlib.Path
    system_python: pathlib.Path
    models: pathlib.Path  # where exported models are kept
    seconds: float
    prefix: Sequence[str]  # before each timed command: chrt -f 50, numactl …
    say: Callable[[str], None]
    unable: Mapping[str, str]  # engine -> why it cannot run here
    agreements: dict[tuple[str, int, str, bool], dict[str, float]] = dataclasses.field(default_factory=dict)

    def folder(self, workload: Workload) -> pathlib.Path:
        return self.models / f"{workload.model}-b{workload.batch}"

    def export(self, workload: Workload) -> None:
        """The model for all engines; made once. Raises Failed."""
        folder = self.folder(workload)
        if not (folder / "answer.npy").exists():
            self.say(f"exporting {workload.model}, batch {workload.batch}")
            output_of([self.venv_python, PEERS / "export_model.py", workload.model, str(workload.batch), folder])

    def environment(self, workload: Workload, entrant: Entrant) -> dict[str, str | None]:
        threads = str(entrant.threads)
        variables: dict[str, str | None] = {name: None for name in CLEARED}
        variables.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads,
                         TORCHINDUCTOR_CACHE_DIR=str(self.models / "inductor"))
        if workload.avx2:
            variables.update(ENGINES[entrant.engine].avx2 or {})
        return variables

    def unable_in(self, workload: Workload) -> dict[str, str]:
        """Entrant's key -> why it will not run."""
        reasons: dict[str, str] = {}
        for entrant in workload.entrants:
            engine = ENGINES[entrant.engine]
            if engine.name in self.unable:
                reasons[entrant.key] = self.unable[engine.name]
            elif workload.avx2 and engine.avx2 is None:
                reasons[entrant.key] = "has no switch that keeps it to AVX2"
            elif engine.name == "wherry":
                try:
                    wherry.check_precision(self.program, workload.model, self.folder(workload) / "model.pt", workload.batch,
                                           entrant.precision, entrant.threads, self.environment(workload, entrant))
                except Failed as error:
                    reasons[entrant.key] = str(error)
        return reasons

    def time(self, workload: Workload, entrant: Entrant) -> dict[str, Any]:
        """One process: a warm-up, then single inferences for `seconds`. Raises Failed."""
        environment, folder = self.environment(workload, entrant), self.folder(workload)
        if entrant.engine == "wherry":
            difference = self.agreement(workload, entrant)
            command = wherry.bench_command(self.program, workload.model, folder / "model.pt", workload.batch, entrant.precision,
                                           entrant.threads, self.seconds)
        else:
            difference = {}  # its own process tells
            python = self.system_python if ENGINES[entrant.engine].system_python else self.venv_python
            command = [str(python), str(PEERS / "time_engine.py"), entrant.engine, workload.model, str(folder), "--precision",
                       entrant.precision, "--threads", str(entrant.threads), "--batch", str(workload.batch), "--seconds", str(self.seconds)]
        printed = output_of([*self.prefix, *command], environment)
        try:
            measured = json.loads(printed[printed.index("{"):])
        except ValueError as error:
            raise Failed(f"{entrant.engine}: printed no JSON: {printed[:80]!r}") from error
        numbers = {name: value for name, value in measured.items() if isinstance(value, (int, float))}
        if "p50_ms" not in numbers:
            raise Failed(f"{entrant.engine}: its JSON has no p50_ms, but {', '.join(measured)}")
        return {**numbers, **difference}

    def agreement(self, workload: Workload, entrant: Entrant) -> dict[str, float]:
        """How far wherry's answer is from PyTorch's in fp32: asked once a model and precision."""
        key = (workload.model, workload.batch, entrant.precision, workload.avx2)
        if key not in self.agreements:
            folder = self.folder(workload)
            output = folder / f"wherry-{entrant.precision}.npz"
            wherry.answer(self.program, workload.model, folder, entrant.precision, entrant.threads, output,
                          self.environment(workload, entrant))
            self.agreements[key] = json.loads(output_of([self.venv_python, PEERS / "agreement.py", folder / "answer.npy", output]))
            found = self.agreements[key]
            self.say(f"{workload.title}: wherry's answer against PyTorch's in fp32: 1 − cosine {1 - found['cosine']:.1e}, "
                     f"largest error {found['max_error']:.1e} of the largest value")
        return self.agreements[key]
