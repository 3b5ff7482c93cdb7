"""Times wherry's whole tasks in one warm process that answers each line of text with a line of JSON; prints one JSON line.

  python time_lines.py [--together N] [--seconds S] LINES.txt COMMAND...

Without --together each call is one line, the next one each time. Needs the standard library alone.
"""
from __future__ import annotations

import argparse
import fcntl
import json
import pathlib
import subprocess
import sys

from measure import measure

PIPE_BYTES = 1 << 20  # a whole call fits, so that what reads never waits for what writes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=pathlib.Path)
    parser.add_argument("--together", type=int, default=1, metavar="N", help="lines a call")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    lines = [line + b"\n" for line in args.lines.read_bytes().splitlines()]
    calls = [b"".join(lines[first:first + args.together]) for first in range(0, len(lines), args.together)]
    process = subprocess.Popen(args.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for pipe in (process.stdin, process.stdout):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    turn = 0

    def infer() -> None:
        nonlocal turn
        call = calls[turn % len(calls)]
        turn += 1
        try:
            process.stdin.write(call)
            process.stdin.flush()
        except BrokenPipeError:
            sys.exit(process.wait() or 1)  # it has said why
        for _ in range(call.count(b"\n")):
            if not process.stdout.readline():
                sys.exit(process.wait() or "it ended before it answered all lines")

    infer()
    measured = measure(infer, args.seconds)
    process.stdin.close()
    process.wait()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
