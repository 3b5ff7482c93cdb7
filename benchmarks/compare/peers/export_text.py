"""Writes one model of text for all engines, and PyTorch's fp32 answers to what is measured.

  python export_text.py MODEL FOLDER CASE_FOLDER --shape BATCH TOKENS     inputs of this shape, and a trace for old PyTorch
  python export_text.py MODEL FOLDER CASE_FOLDER --task NAME              lines of text (tasks.py)

FOLDER gets a Hugging Face folder, ONNX and OpenVINO IR, of any batch and length; what is there already is kept.
"""
from __future__ import annotations

import argparse
import logging
import pathlib
import warnings
from typing import Any

import models
import tasks
from text_engines import one_by_one

warnings.filterwarnings("ignore")


def export_files(name: str, folder: pathlib.Path) -> None:
    import openvino
    import torch

    complete = folder / "complete"
    if complete.exists():
        return
    huggingface = folder / "huggingface"
    huggingface.mkdir(parents=True, exist_ok=True)
    models.build_module(name).inner.save_pretrained(huggingface)
    tasks.save_tokenizer(name, huggingface)
    module = models.from_folder(models.MODELS[name].architecture, huggingface)
    example = models.torch_inputs(name, 2, channels_last=False, tokens=16)
    names = [one.name for one in models.MODELS[name].inputs]
    free = {input_name: {0: "batch", 1: "tokens"} for input_name in names}
    torch.onnx.export(module, example, str(folder / "model.onnx"), dynamo=False, opset_version=17, input_names=names, dynamic_axes=free)
    shapes = [(openvino.PartialShape([-1, -1]), openvino.Type.i64) for _ in names]
    openvino.save_model(openvino.convert_model(module, example_input=example, input=shapes), folder / "openvino.xml", compress_to_fp16=False)
    complete.touch()


def export_shape(name: str, folder: pathlib.Path, case: pathlib.Path, batch: int, tokens: int) -> None:
    import numpy
    import torch

    inputs = models.torch_inputs(name, batch, channels_last=False, tokens=tokens)
    for one, tensor in zip(models.MODELS[name].inputs, inputs):
        numpy.save(case / f"{one.name}.npy", tensor.numpy())
    written_out = models.from_folder(models.MODELS[name].architecture, folder / "huggingface", attention="eager")
    torch.jit.trace(written_out, inputs, check_trace=False).save(str(case / "model.pt"))  # PyTorch 1.13 knows no other attention
    numpy.save(case / "answer.npy", models.from_folder(models.MODELS[name].architecture, folder / "huggingface")(*inputs).numpy())


def export_task(name: str, folder: pathlib.Path, case: pathlib.Path, task: str) -> None:
    import numpy
    import torch

    module = models.from_folder(models.MODELS[name].architecture, folder / "huggingface")
    lines = tasks.lines_of(task, folder / "huggingface")
    (case / "lines.txt").write_text("".join(line + "\n" for line in lines))

    def run(ids: Any, mask: Any) -> Any:
        return module(torch.from_numpy(ids), torch.from_numpy(mask))

    answerer = tasks.FillMask(run, folder / "huggingface") if task == "fill-mask" else tasks.Sentiment(one_by_one(run), folder / "huggingface")
    numpy.save(case / "answer.npy", answerer.answer(lines))


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=models.MODELS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("case", type=pathlib.Path)
    parser.add_argument("--shape", type=int, nargs=2, metavar=("BATCH", "TOKENS"))
    parser.add_argument("--task", choices=tasks.TASKS)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_grad_enabled(False)
    export_files(args.model, args.folder)
    args.case.mkdir(parents=True, exist_ok=True)
    if args.task:
        export_task(args.model, args.folder, args.case, args.task)
    else:
        export_shape(args.model, args.folder, args.case, *args.shape)


if __name__ == "__main__":
    main()
