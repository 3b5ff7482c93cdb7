#!/usr/bin/env python3
"""Holds `wherry run` against transformers: each family with each head, batches of unequal lengths, on random weights.

  compare_huggingface.py --wherry build/release/wherry                    tiny and base sizes, folders
  compare_huggingface.py --wherry build/release/wherry --size tiny --form traced-eager bert.base
  compare_huggingface.py --wherry build/release/wherry --folder ../shared/models/distilbert-sst2

Prints a line a case with the largest error over all outputs and exits with 1 where one is above --tolerance (2e-4).
Forms: folder (safetensors), traced-sdpa and traced-eager (torch.jit.trace, one trace for all shapes). Requirements:
requirements.txt beside this file.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import huggingface_models as models

ACTIVATIONS = ("gelu gelu_python gelu_new gelu_fast gelu_pytorch_tanh gelu_python_tanh gelu_accurate gelu_10 quick_gelu "
               "relu relu2 relu6 silu swish tanh sigmoid mish hardswish leaky_relu sqrtsoftplus laplace linear").split()


def run_wherry(wherry, model, inputs, work, options):
    np.savez(work / "inputs.npz", **inputs)
    command = [wherry, "run", model, "--input", work / "inputs.npz", "--output", work / "outputs.npz", *options]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return dict(np.load(work / "outputs.npz"))


def trace(module, attention, path):
    """One trace at 2 × 9, as people make them: mask and ids as example inputs."""
    import torch

    if hasattr(module, "set_attn_implementation"):  # before, there was "eager" alone
        module.set_attn_implementation(attention)
    elif attention != "eager":
        sys.exit("this version of transformers has no sdpa")
    example = models.inputs_for(module.config, 2, 9, types=False)
    module.config.return_dict = False
    with torch.no_grad():
        traced = torch.jit.trace(module, tuple(torch.from_numpy(value) for value in example.values()), strict=False)
    traced.save(str(path))
    module.config.return_dict = True
    return traced


def error_of(found, expected):
    """Largest absolute difference over arrays in the same order or under the same names."""
    if set(expected) - set(found):
        if len(found) < len(expected):
            return float("inf")
        found = dict(zip(expected, found.values()))
    worst = 0.0
    for key, array in expected.items():
        if found[key].shape != array.shape:
            return float("inf")
        difference = np.abs(found[key] - array).max()
        worst = max(worst, float("inf") if np.isnan(difference) else float(difference))
    return worst


def cases(size, config):
    longest = 40 if size == "tiny" else 512
    lengths = [n for n in (1, 7, 40, 128, 512) if n <= longest and (size == "tiny" or n != 40)]
    for batch in (1, 8):
        for length in lengths:
            yield batch, length, {}
    yield 2, 7, {"mask": False, "types": False}
    yield 2, 7, {"types": False}


def load(folder, arch):
    """A real folder as transformers reads it, and what its answers are of: "x.sentence" for sentence-transformers'."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, arch or (config.architectures or ["AutoModel"])[0])
    sentence = not arch and (folder / "modules.json").exists()
    return kind.from_pretrained(folder).float().eval(), f"{folder.name}.{'sentence' if sentence else config.model_type}"


def compare(name, size, form, args, work):
    target = work / "model"
    if args.folder:
        target = args.folder
        module, name = load(target, args.arch)
    else:
        module, _ = models.build(name, size)
        if form == "folder":
            models.save(module, name, target)
    if form != "folder":
        target = work / "model.pt"
        trace(module, form.removeprefix("traced-"), target)
    failures = 0
    for batch, length, options in cases(size, module.config):
        if form != "folder" and options.get("mask") is False:
            continue
        options = dict(options) if form == "folder" else {**options, "types": False}
        inputs = models.inputs_for(module.config, batch, length, **options)
        expected = models.answers(module, name, inputs)
        given = inputs
        if form != "folder":
            given = {key: value for key, value in zip(("input_ids", "attention_mask"), inputs.values())}
        try:
            arch = ["--arch", args.arch] if args.arch and form == "folder" else []
            error = error_of(run_wherry(args.wherry, target, given, work, [*args.options, *arch]), expected)
            note = f"{error:.2e}"
            passed = error <= args.tolerance
        except RuntimeError as problem:
            note, passed = str(problem)[:300], False
        failures += not passed
        largest = max(np.abs(array).max() for array in expected.values())
        print(f"{'ok  ' if passed else 'FAIL'} {size} {name} {form} {batch} x {length} {options or ''} "
              f"error {note} of {largest:.3g}", flush=True)
    return failures


def compare_activations(args, work):
    """Every "hidden_act" that wherry knows, on a small encoder."""
    failures = 0
    for activation in ACTIVATIONS:
        module, _ = models.build("bert.base", "tiny", hidden_act=activation)
        inputs = models.inputs_for(module.config, 2, 7)
        module.save_pretrained(work / activation)
        found = run_wherry(args.wherry, work / activation, inputs, work, args.options)
        error = error_of(found, models.answers(module, "bert.base", inputs))
        failures += error > args.tolerance
        print(f"{'ok  ' if error <= args.tolerance else 'FAIL'} hidden_act {activation} error {error:.2e}", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="family.head; default all")
    parser.add_argument("--wherry", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, help="this model instead of seeded ones")
    parser.add_argument("--arch", help="transformers' class to read --folder as")
    parser.add_argument("--size", choices=[*models.SIZES, "all"], default="all")
    parser.add_argument("--form", choices=["folder", "traced-sdpa", "traced-eager"], default="folder")
    parser.add_argument("--tolerance", type=float, default=2e-4)
    parser.add_argument("--options", default=[], type=str.split, help="more options of wherry run: '--precision fp32'")
    args = parser.parse_args()
    failures = 0
    if args.folder:
        with tempfile.TemporaryDirectory() as work:
            failures = compare(None, "base", args.form, args, pathlib.Path(work))
        print("all agree" if failures == 0 else f"{failures} cases differ")
        return 1 if failures else 0
    for size in ["tiny", "base"] if args.size == "all" else [args.size]:
        for name in args.names or models.names():
            if args.form != "folder" and name.endswith(".sentence"):
                continue
            with tempfile.TemporaryDirectory() as work:
                failures += compare(name, size, args.form, args, pathlib.Path(work))
    if args.form == "folder" and not args.names:
        with tempfile.TemporaryDirectory() as work:
            failures += compare_activations(args, pathlib.Path(work))
    print("all agree" if failures == 0 else f"{failures} cases differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
