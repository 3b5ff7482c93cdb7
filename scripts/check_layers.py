#!/usr/bin/env python3
"""Checks that includes point only from lower rows of ARCHITECTURE.md's layer table to upper ones.

  scripts/check_layers.py        prints each include that breaks a rule; exit status 1 where there is one
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What each layer may include, beside itself and the public headers of include/wherry/ that `tensor` and `base` own.
MAY_USE = {
    "base": [],
    "tensor": ["base"],
    "expression": ["base"],
    "ir": ["base", "tensor", "expression"],
    "kernels": ["base", "tensor", "expression"],
    "vision": ["base", "tensor"],
    "text": ["base"],
    "import": ["base", "tensor", "expression", "ir"],
    "passes": ["base", "tensor", "expression", "ir"],
    "runtime": ["base", "tensor", "expression", "ir", "kernels"],
    "engine": ["base", "tensor", "expression", "ir", "import", "passes", "runtime"],
    "tasks": ["base", "tensor", "vision", "text", "engine"],
    "bench": ["base", "tensor", "runtime", "engine"],  # runtime: for the peaks it measures
    "cost": ["base"],
    "report": ["base"],
    "cli": ["base", "tensor", "tasks", "bench", "cost", "report", "engine", "import"],  # import: for the .npy and .npz files of `wherry run`
}

# The public headers, by the layer that implements them.
PUBLIC = {"error": "base", "dtype": "tensor", "tensor": "tensor", "model": "engine", "engine": "engine", "tune": "engine",
          "compiled": "engine", "profile": "engine"}
# Types of model.h that layers above the engine fill in.
PUBLIC_TYPES_FOR = {"import": ["model"], "runtime": ["model"]}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def main():
    problems = []
    count = 0
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".inc"):
            continue
        layer = path.relative_to(ROOT / "src").parts[0]
        if layer not in MAY_USE:
            problems.append(f"{path.relative_to(ROOT)}: folder src/{layer} is no layer; add it to scripts/check_layers.py and ARCHITECTURE.md")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            count += 1
            target = match.group(1).split("/")
            if target[0] == "wherry":
                name = target[1].removesuffix(".h")
                used = PUBLIC.get(name)
                if name in PUBLIC_TYPES_FOR.get(layer, []):
                    continue
            elif target[0] in MAY_USE:
                used = target[0]
            else:
                continue
            if used != layer and used not in MAY_USE[layer]:
                problems.append(f"{path.relative_to(ROOT)}:{number}: {layer} may not use {used or match.group(1)}")
    print("\n".join(problems) if problems else f"layers: {count} includes, all in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
