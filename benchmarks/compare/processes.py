"""Runs other programs quietly, and says in one line what went wrong when they fail."""
from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Mapping, Sequence


class Failed(Exception):
    """A program could not be run, or said no; the message is one line."""


def output_of(command: Sequence[str | pathlib.Path], environment: Mapping[str, str | None] | None = None, timeout: float = 1800,
              cwd: pathlib.Path | None = None) -> str:
    """Standard output. `environment` adds to this process's, and takes away where a value is None.

    Raises Failed with the last line of what the program said.
    """
    words = [str(word) for word in command]
    variables = {name: value for name, value in {**os.environ, **(environment or {})}.items() if value is not None}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=variables)
    except FileNotFoundError as error:
        raise Failed(f"{words[0]}: no such program") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{words[0]}: no answer within {timeout:.0f} s") from error
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        stated = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = (stated or said or [f"exit status {done.returncode}"])[-1]
        raise Failed(f"{pathlib.Path(words[0]).name}: {reason}")
    return done.stdout
