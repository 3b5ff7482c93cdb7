"""The JSON file of a comparison: written after every process, so an interrupted run goes on where it stopped."""
from __future__ import annotations

import json
import os
import pathlib
from typing import Any

Json = dict[str, Any]


class Results:
    """`document` holds machine, versions, settings, and by workload: rounds (entrant's key -> times) and not_run (key -> why)."""

    def __init__(self, path: pathlib.Path, identity: Json, fresh: bool) -> None:
        self.path = path
        self.document: Json = {**identity, "workloads": {}, "layers": {}}
        self.resumed = False
        if path.exists():
            kept = json.loads(path.read_text())
            # Rounds of other versions, settings or machines must not be compared with these.
            if not fresh and all(kept.get(name) == self.document[name] for name in ("versions", "settings", "cpu")):
                self.document["workloads"] = kept["workloads"]
                self.document["layers"] = kept.get("layers", {})
                self.resumed = bool(kept["workloads"])
            else:
                os.replace(path, path.with_suffix(".previous.json"))

    def workload(self, name: str) -> Json:
        return self.document["workloads"].setdefault(name, {"rounds": [], "not_run": {}})

    def finished(self, name: str, rounds: int) -> int:
        """Processes that need not run again."""
        return sum(len(one) for one in self.workload(name)["rounds"][:rounds])

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.document, indent=1) + "\n")
        os.replace(partial, self.path)
