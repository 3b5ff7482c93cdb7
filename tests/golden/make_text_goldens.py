#!/usr/bin/env python3
"""Makes the text goldens of tests/golden/data with the transformers that runs this script.

  make_text_goldens.py --out data/transformers-5.24            folders and traces
  make_text_goldens.py --out data/transformers-4.30 --forms traced_eager

A text golden is a zip: what the model is made of without the weights that a seed restores, and cases.npz, inputs and
transformers' answers. A folder has its files, with seeded.json in place of model.safetensors; a trace is traced.golden,
as make_goldens.py has it. Requirements: requirements.txt beside this file.
"""
import argparse
import hashlib
import io
import json
import pathlib
import tempfile
import zipfile

import numpy as np

import compare_huggingface
import deterministic
import huggingface_models as models

CASES = [(1, 1, {}), (3, 7, {}), (2, 17, {}), (2, 5, {"mask": False, "types": False}), (2, 5, {"types": False})]
# Traces have the same layers whatever the head, and are larger.
TRACED = ["bert.base", "bert.question_answering", "distilbert.sequence_classification", "roberta.masked_lm"]
# Files as they come, read by other paths of the importer: small, because they are kept whole.
VARIANTS = {
    "bert.masked_lm": ["pickled", "legacy", "sharded", "float16", "bfloat16"],
    "roberta.sequence_classification": ["pickled", "sharded"],
}


def seeded(tensors, specs):
    """{name: sizes and seed, or values where there are only a few}"""
    result = {}
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        spec = specs.get(hashlib.sha256(array.tobytes()).hexdigest())
        if spec is None:
            assert array.size < 8, f"{name} is not from a seed"
            spec = {"values": array.ravel().tolist()}
        result[name] = {"shape": list(array.shape), **spec}
    return result


def folder_records(module, name, specs, variant):
    import torch
    from safetensors.numpy import load

    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        options = {"max_shard_size": "20KB"} if variant == "sharded" else {}
        if variant in ("float16", "bfloat16"):
            module = module.to(getattr(torch, variant))
        models.save(module, name, folder, **options)
        if variant in ("pickled", "legacy"):
            (folder / "model.safetensors").unlink()
            state = module.state_dict()
            if variant == "legacy":  # as files made from TensorFlow's checkpoints are
                state = {key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"):
                         value for key, value in state.items()}
            torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=variant == "pickled")
        records = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    if variant is None:
        listed = seeded(load(records.pop("model.safetensors")), specs)
        records["seeded.json"] = json.dumps(listed, separators=(",", ":")).encode()
    return records


def trace_records(module, specs, attention):
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work) / "model.pt"
        compare_huggingface.trace(module, attention, path)
        return {"traced.golden": deterministic.strip(path, specs)}


def cases_of(module, name, traced):
    arrays = {}
    for i, (batch, length, options) in enumerate(CASES):
        if traced and options.get("mask") is False:
            continue
        inputs = models.inputs_for(module.config, batch, length, seed=i, **({**options, "types": False} if traced else options))
        for key, array in inputs.items():
            arrays[f"{i}.in.{key}"] = array
        for key, array in models.answers(module, name, inputs).items():
            arrays[f"{i}.out.{key}"] = array.astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def write(path, records):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, data in records.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, data)
    print(f"{path}  {path.stat().st_size / 1024:.0f} KB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--forms", default="folder,traced_sdpa,traced_eager", type=lambda text: text.split(","))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in models.names():
        for form in args.forms:
            if form != "folder" and name not in TRACED:
                continue
            variants = [None, *VARIANTS.get(name, [])] if form == "folder" else [None]
            for variant in variants:
                size = "tiny" if variant is None else "smallest"
                module, specs = models.build(name, size)
                # Answers are in float32, as wherry gives them: of the rounded weights where those are of half precision.
                if variant in ("float16", "bfloat16"):
                    import torch

                    module = module.to(getattr(torch, variant)).to(torch.float32)
                cases = cases_of(module, name, form != "folder")
                records = (folder_records(module, name, specs, variant) if form == "folder"
                           else trace_records(module, specs, form.removeprefix("traced_")))
                suffix = form if variant is None else variant
                write(args.out / f"{name}.{suffix}.text_golden", {**records, "cases.npz": cases})


if __name__ == "__main__":
    main()
