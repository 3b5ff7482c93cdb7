"""Says on standard error what is going on, and about how long it will go on."""
from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """One line that is rewritten on a terminal; lines one below the other elsewhere."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """A line that stays."""
        print(("\r\033[K" if self._terminal else "") + text, file=sys.stderr, flush=True)

    def skip(self, steps: int) -> None:
        """Says that so many steps will not come."""
        self._steps -= steps

    def step(self, text: str) -> None:
        self._done += 1
        left = (time.monotonic() - self._start) / self._done * max(0, self._steps - self._done)
        line = f"[{self._done}/{self._steps}, {left / 60:.0f} min left] {text}" if left >= 60 else f"[{self._done}/{self._steps}] {text}"
        if not self._terminal:
            return self.say(line)
        print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", file=sys.stderr, flush=True)
        if "not run" in text or self._done >= self._steps:
            print(file=sys.stderr)
