"""Runs one entrant of a workload: finds its Python, its environment and its model, and starts the process that is timed."""
from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from typing import Any, Callable, Mapping, Sequence

from . import wherry
from .peers.models import MODELS
from .processes import Failed, output_of
from .workloads import ENGINES, TASKS, Entrant, Workload

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
    agreements: dict[tuple[str, str, bool], dict[str, float]] = dataclasses.field(default_factory=dict)

    def folder(self, workload: Workload) -> pathlib.Path:
        """Of the model's files: of this batch, or of any where they are of text."""
        return self.models / (workload.model if MODELS[workload.model].architecture else f"{workload.model}-b{workload.batch}")

    def case(self, workload: Workload) -> pathlib.Path:
        """Of the inputs, and PyTorch's answer to them."""
        if not MODELS[workload.model].architecture:
            return self.folder(workload)
        return self.folder(workload) / (workload.task or f"b{workload.batch}-s{workload.tokens}")

    def file(self, workload: Workload) -> pathlib.Path:
        """What wherry opens."""
        return self.folder(workload) / ("huggingface" if MODELS[workload.model].architecture else "model.pt")

    def export(self, workload: Workload) -> None:
        """The model for all engines; made once. Raises Failed."""
        folder, case = self.folder(workload), self.case(workload)
        if (case / "answer.npy").exists():
            return
        if not MODELS[workload.model].architecture:
            self.say(f"exporting {workload.model}, batch {workload.batch}")
            output_of([self.venv_python, PEERS / "export_model.py", workload.model, str(workload.batch), folder])
            return
        self.say(f"exporting {workload.model}, {case.name}")
        of_what = ["--task", workload.task] if workload.task else ["--shape", str(workload.batch), str(workload.tokens)]
        output_of([self.venv_python, PEERS / "export_text.py", workload.model, folder, case, *of_what])

    def environment(self, workload: Workload, entrant: Entrant) -> dict[str, str | None]:
        threads = str(entrant.threads)
        variables: dict[str, str | None] = {name: None for name in CLEARED}
        variables.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads, RAYON_NUM_THREADS=threads,
                         TORCHINDUCTOR_CACHE_DIR=str(self.models / "inductor"))
        if workload.avx2:
            variables.update(ENGINES[entrant.engine].avx2 or {})
        if entrant.engine == "torch-1.13" and MODELS[workload.model].architecture:
            variables["OMP_WAIT_POLICY"] = "PASSIVE"  # or OpenMP's threads spin while OpenBLAS's own multiply: a quarter of the speed
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
            elif workload.task and engine.system_python:
                reasons[entrant.key] = "Debian has no tokenizers for it"
            elif engine.name == "wherry":
                try:
                    wherry.check_precision(self.program, workload, entrant, self.file(workload), self.environment(workload, entrant))
                except Failed as error:
                    reasons[entrant.key] = str(error)
        return reasons

    def time(self, workload: Workload, entrant: Entrant) -> dict[str, Any]:
        """One process: a warm-up, then single inferences for `seconds`. Raises Failed."""
        environment = self.environment(workload, entrant)
        if entrant.engine == "wherry":
            difference = self.agreement(workload, entrant)
            command = self.wherry_command(workload, entrant)
        else:
            difference = {}  # its own process tells
            command = self.peer_command(workload, entrant)
        printed = output_of([*self.prefix, *command], environment)
        try:
            measured = json.loads(printed[printed.index("{"):])
        except ValueError as error:
            raise Failed(f"{entrant.engine}: printed no JSON: {printed[:80]!r}") from error
        numbers = {name: value for name, value in measured.items() if isinstance(value, (int, float))}
        if "p50_ms" not in numbers:
            raise Failed(f"{entrant.engine}: its JSON has no p50_ms, but {', '.join(measured)}")
        return {**numbers, **difference}

    def wherry_command(self, workload: Workload, entrant: Entrant) -> list[str]:
        if not workload.task:
            return wherry.bench_command(self.program, workload, entrant, self.file(workload), self.seconds)
        lines = self.case(workload) / "lines.txt"
        return [sys.executable, str(PEERS / "time_lines.py"), "--together", str(TASKS[workload.task].lines), "--seconds", str(self.seconds),
                str(lines), *wherry.task_command(self.program, workload.task, self.file(workload), entrant)]

    def peer_command(self, workload: Workload, entrant: Entrant) -> list[str]:
        python = self.system_python if ENGINES[entrant.engine].system_python else self.venv_python
        script = "time_task.py" if workload.task else "time_engine.py"
        of_what = (["--task", workload.task] if workload.task else ["--batch", str(workload.batch), "--tokens", str(workload.tokens)])
        return [str(python), str(PEERS / script), entrant.engine, workload.model, str(self.folder(workload)), "--case", str(self.case(workload)),
                "--precision", entrant.precision, "--threads", str(entrant.threads), *of_what, "--seconds", str(self.seconds)]

    def agreement(self, workload: Workload, entrant: Entrant) -> dict[str, float]:
        """How far wherry's answer is from PyTorch's in fp32: asked once a model, input and precision."""
        case = self.case(workload)
        key = (str(case), entrant.precision, workload.avx2)
        if key not in self.agreements:
            output = case / f"wherry-{entrant.precision}.{'jsonl' if workload.task else 'npz'}"
            environment = self.environment(workload, entrant)
            if workload.task:
                wherry.answer_task(self.program, workload.task, entrant, self.file(workload), case / "lines.txt", output, environment)
                checker = [PEERS / "task_agreement.py", workload.task]
            else:
                wherry.answer(self.program, workload, entrant, self.file(workload), case, output, environment)
                checker = [PEERS / "agreement.py"]
            found = json.loads(output_of([self.venv_python, *checker, case / "answer.npy", output]))
            self.agreements[key] = found
            self.say(f"{workload.title}: wherry's answer against PyTorch's in fp32: {stated(found)}")
        return self.agreements[key]


def stated(agreement: Mapping[str, float]) -> str:
    if "same" in agreement:
        return f"{agreement['same']} of {agreement['of']} labels are the same"
    return f"1 − cosine {1 - agreement['cosine']:.1e}, largest error {agreement['max_error']:.1e} of the largest value"
