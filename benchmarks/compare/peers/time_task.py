"""Times one peer on a whole task, from text to answer, in this process, and prints one JSON line."""
from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import time
import warnings

import models
import tasks
import text_engines
from measure import measure
from task_agreement import CHECKS

warnings.filterwarnings("ignore")


def fastest_batch(run_all: text_engines.RunAll, folder: pathlib.Path, lines: list[str]) -> int:
    """Each peer gets the batch that suits it: without padding, or more work at a time."""
    times = {}
    for batch in (1, 8, 32):
        task = tasks.Sentiment(run_all, folder, batch)
        task(lines)  # whatever is prepared for a new shape
        start = time.perf_counter()
        task(lines)
        times[batch] = time.perf_counter() - start
    return min(times, key=lambda batch: times[batch])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=text_engines.ENGINES)
    parser.add_argument("model", choices=models.MODELS)
    parser.add_argument("folder", type=pathlib.Path, help="where export_text.py wrote the model")
    parser.add_argument("--case", type=pathlib.Path, required=True, help="where the task's lines and answer are")
    parser.add_argument("--task", choices=tasks.TASKS, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    import numpy

    shape = (1, tasks.FILL_MASK_TOKENS) if args.task == "fill-mask" else None
    setting = text_engines.Setting(args.folder, models.MODELS[args.model].architecture, args.precision, args.threads, shape)
    lines = (args.case / "lines.txt").read_text().splitlines()
    huggingface = args.folder / "huggingface"
    found = {}
    if args.task == "fill-mask":
        task = tasks.FillMask(text_engines.ENGINES[args.engine](setting), huggingface)
        calls = itertools.cycle([[line] for line in lines])
    else:
        run_all = text_engines.run_all_of(args.engine, setting)
        found["batch"] = fastest_batch(run_all, huggingface, lines)
        task = tasks.Sentiment(run_all, huggingface, found["batch"])
        calls = itertools.repeat(lines)
    found.update(CHECKS[args.task](numpy.load(args.case / "answer.npy"), task.answer(lines)))
    print(json.dumps({**measure(lambda: task(next(calls)), args.seconds), **found}))


if __name__ == "__main__":
    main()
