"""Where the peers live: a virtual environment with exact versions from PyPI, and Debian's PyTorch 1.13 in the system's Python."""
from __future__ import annotations

import json
import pathlib
import sys
from typing import Callable

from .processes import Failed, output_of

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
SYSTEM_PYTHON = pathlib.Path("/usr/bin/python3")

_VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try: found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: pass
print(json.dumps(found))
"""


def required_versions(text: str) -> dict[str, str]:
    """Package -> version, of the lines "package==version"."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return dict(line.split("==") for line in lines if line)


def installed_versions(python: pathlib.Path, names: list[str]) -> dict[str, str]:
    """What of `names` this Python has. Raises Failed where it does not run."""
    return json.loads(output_of([python, "-c", _VERSIONS, *names]))


def prepare_venv(folder: pathlib.Path, say: Callable[[str], None]) -> tuple[pathlib.Path, dict[str, str]]:
    """The environment's Python and the versions in it; makes the environment, or adds what it lacks. Raises Failed."""
    required = required_versions(REQUIREMENTS.read_text())
    python = folder / "bin/python"
    if not python.exists():
        say(f"making {folder} (downloads some gigabytes, once)")
        output_of([sys.executable, "-m", "venv", folder])
    found = installed_versions(python, list(required))
    missing = [f"{name}=={version}" for name, version in required.items() if name not in found]
    if missing:
        say(f"installing {', '.join(missing)}")
        output_of([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing], timeout=7200)
        found = installed_versions(python, list(required))
    for name, version in required.items():
        if found.get(name) != version:
            say(f"note: {folder} has {name} {found.get(name)}, not {version}; a fresh --venv would have that")
    return python, found


def debian_torch() -> str:
    """The version of Debian's PyTorch. Raises Failed where there is none, or where it would calculate without OpenBLAS."""
    hint = "install it with scripts/install_dependencies.sh compare"
    try:
        output_of([SYSTEM_PYTHON, "-c", "import torch"])
        version = output_of(["dpkg-query", "-W", "-f=${source:Upstream-Version}", "python3-torch"]).split("+")[0]
    except Failed as error:
        raise Failed(f"Debian's python3-torch is missing ({error}); {hint}") from error
    if not list(pathlib.Path("/usr/lib").glob("*/openblas-pthread/libblas.so.3")):
        raise Failed(f"libopenblas0-pthread is missing, without which Debian's PyTorch multiplies slowly; {hint}")
    return version
