#!/usr/bin/env python3
"""Runs every classification model of torchvision through wherry and the PyTorch of this Python, and tabulates the error.

  python scripts/torchvision_table.py --json build/table-2.15.json              all models, scripted and traced
  python scripts/torchvision_table.py --json FILE resnet50 swin_t --kinds traced
  python scripts/torchvision_table.py --render docs/torchvision.md FILE...      the table of several runs

Weights are deterministic (tests/golden/deterministic.py), inputs have the size each model was made for. The error is the
largest |difference| of a logit over the largest |logit|. Rows are added to FILE as they come: a second run goes on.
"""
import argparse
import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/golden"))


def measure(name, kinds, wherry):
    """Yields one row a kind."""
    import numpy as np
    import torch
    import torchvision_models

    module, _, pixels = torchvision_models.build(name)
    with torch.no_grad():
        expected = torchvision_models.logits(module(pixels))
    parameters = sum(p.numel() for p in module.state_dict().values())
    for kind in kinds:
        row = dict(model=name, kind=kind, torch=torch.__version__.split("+")[0], size=int(pixels.shape[-1]))
        row["mega_parameters"] = round(parameters / 1e6, 1)
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as folder:
            archive, pixel_file, answer_file = (os.path.join(folder, f) for f in ("model.pt", "pixels.npy", "answer.npz"))
            torchvision_models.compile_module(module, kind, pixels).save(archive)
            gc.collect()
            np.save(pixel_file, pixels.numpy())
            start = time.perf_counter()
            result = subprocess.run([wherry, "run", archive, "--input", pixel_file, "--output", answer_file], capture_output=True, text=True)
            row["seconds"] = round(time.perf_counter() - start, 2)
            if result.returncode != 0:
                row["failure"] = (result.stderr.strip() or f"exit status {result.returncode}").splitlines()[0].replace(folder + "/", "")
                yield row
                continue
            answers = np.load(answer_file)
            ours = answers[answers.files[0]]
        a, b = ours.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
        row["cosine"] = float(a @ b / np.sqrt((a @ a) * (b @ b)))
        row["error"] = float(np.abs(a - b).max() / np.abs(b).max())
        yield row


def verdict(row):
    if row is None:
        return "not run"
    if "failure" in row:
        return "✗ " + row["failure"]
    good = row["cosine"] >= 0.99999 and row["error"] <= 1e-3
    return f"{'✓' if good else '✗ wrong:'} {row['error']:.1e}"


def render(out, files):
    rows = {}
    for file in files:
        for row in json.loads(pathlib.Path(file).read_text()):
            rows[row["model"], row["torch"].split("a")[0], row["kind"]] = row
    versions = sorted({key[1] for key in rows}, key=lambda v: [int(n) for n in v.split(".")[:2]])
    columns = [(version, kind) for version in versions for kind in ("scripted", "traced")]
    works = sum(verdict(row).startswith("✓") for row in rows.values())
    lines = [
        "# torchvision's classification models",
        "",
        f"{works} of {len(rows)} archives work: every model of torchvision, scripted and traced, with the input size it was made for,",
        "batch 1, fp32. The figure is the largest difference of a logit from PyTorch's, over the largest logit.",
        "",
        "Made by `python scripts/torchvision_table.py --json FILE` with each PyTorch and `--render docs/torchvision.md FILE...`.",
        "",
        "| model | input | million parameters | " + " | ".join(f"PyTorch {v}, {k}" for v, k in columns) + " |",
        "| --- | --- | --- | " + " | ".join("---" for _ in columns) + " |",
    ]
    for name in sorted({key[0] for key in rows}):
        mine = [rows.get((name, version, kind)) for version, kind in columns]
        known = next(row for row in mine if row)
        lines.append(f"| {name} | {known['size']} | {known['mega_parameters']} | " + " | ".join(verdict(row) for row in mine) + " |")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")
    print(f"{out}: {works} of {len(rows)} work")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="model names (with --render: JSON files)")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--kinds", default="scripted,traced")
    parser.add_argument("--wherry", default=str(ROOT / "build/release/wherry"))
    parser.add_argument("--render", metavar="FILE")
    args = parser.parse_args()
    if args.render:
        return render(args.render, args.models)
    if not args.json:
        parser.error("--json FILE is needed")
    import torch
    import torchvision_models

    torch.set_num_threads(2)
    rows = json.loads(args.json.read_text()) if args.json.exists() else []
    for name in args.models or torchvision_models.names():
        done = {row["kind"] for row in rows if row["model"] == name and "failure" not in row}
        kinds = [kind for kind in args.kinds.split(",") if kind not in done]
        for new in measure(name, kinds, args.wherry) if kinds else ():
            rows = [row for row in rows if (row["model"], row["kind"]) != (name, new["kind"])] + [new]
            args.json.write_text(json.dumps(rows, indent=1))
            print(f"{name:20} {new['kind']:9} {new['seconds']:7.1f} s  {verdict(new)}", flush=True)


if __name__ == "__main__":
    main()
