"""How far an engine's answer is from PyTorch's in fp32.

  python agreement.py ANSWER.npy OTHER.npz       prints one JSON line: cosine and max_error
"""
from __future__ import annotations

import json
import sys
from typing import Any


def agreement(answer: Any, other: Any) -> dict[str, float]:
    """Cosine of the two, and the largest absolute difference over the answer's largest absolute value."""
    import numpy

    a, b = (numpy.asarray(x, numpy.float64).ravel() for x in (answer, other))
    if a.shape != b.shape:
        raise SystemExit(f"agreement: {b.size} values where PyTorch gives {a.size}")
    norms = numpy.linalg.norm(a) * numpy.linalg.norm(b)
    return {"cosine": float(a @ b / norms) if norms else 0.0, "max_error": float(numpy.abs(a - b).max() / numpy.abs(a).max())}


if __name__ == "__main__":
    import numpy

    with numpy.load(sys.argv[2]) as arrays:
        print(json.dumps(agreement(numpy.load(sys.argv[1]), arrays[arrays.files[0]])))
