"""How far wherry's answers to a task's lines are from PyTorch's in fp32.

  python task_agreement.py TASK ANSWER.npy ANSWERS.jsonl       prints one JSON line
"""
from __future__ import annotations

import json
import sys
from typing import Any

from agreement import agreement


def same_labels(answer: Any, other: Any) -> dict[str, int]:
    return {"same": int((answer == other).sum()), "of": len(answer)}


CHECKS = {"fill-mask": agreement, "sst2": same_labels}
LABELS = {"NEGATIVE": 0, "POSITIVE": 1}


def words_logits(lines: list[dict[str, Any]], count: int) -> Any:
    """Of the first text's gap, up to their mean, from the probabilities of all words."""
    import numpy

    logits = numpy.full(count, numpy.nan)
    for one in lines[0]["result"]:
        logits[one["token"]] = numpy.log(one["score"])
    return logits - logits.mean()


def main() -> None:
    import numpy

    task, answer = sys.argv[1], numpy.load(sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    if task == "fill-mask":
        other = words_logits(lines, len(answer))
    else:
        other = numpy.array([LABELS[line["result"][0]["label"]] for line in lines])
    print(json.dumps(CHECKS[task](answer, other)))


if __name__ == "__main__":
    main()
