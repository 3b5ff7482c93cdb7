"""The peer: the AArch64 PyTorch of PyPI, with oneDNN and Arm Compute Library in it, in a folder of its own with Debian's
AArch64 Python to run it. Nothing is installed into this system, and no root is needed."""
from __future__ import annotations

import os
import pathlib
import sys
from typing import Callable

from compare.processes import output_of

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "emulated/requirements.txt"
DEBIAN = ("python3.11-minimal", "libpython3.11-stdlib", "libgomp1", "libstdc++6")
WHEELS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")


def apt_configuration(folder: pathlib.Path) -> str:
    """An apt of AArch64 packages alone, that knows nothing installed and keeps all it fetches in the folder."""
    return (f'APT::Architecture "arm64";\nAPT::Architectures {{ "arm64"; }};\nAPT::Sandbox::User "{os.environ.get("USER", "root")}";\n'
            f'Dir::State "{folder}";\nDir::State::status "/dev/null";\nDir::Cache "{folder}";\n')


def unpack_debian(folder: pathlib.Path, root: pathlib.Path) -> None:
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    configuration = folder / "apt.conf"
    configuration.write_text(apt_configuration(folder))
    environment = {"APT_CONFIG": str(configuration)}
    output_of(["apt-get", "update", "-qq"], environment)
    output_of(["apt-get", "install", "--download-only", "-qq", "-y", "--no-install-recommends", *DEBIAN], environment)
    for package in sorted((folder / "archives").glob("*.deb")):
        output_of(["dpkg-deb", "-x", package, root])


def install_packages(target: pathlib.Path) -> None:
    platforms = [word for wheel in WHEELS for word in ("--platform", wheel)]
    output_of([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
               "--python-version", "3.11", "--implementation", "cp", *platforms, "--platform", "any", "--target", target,
               "--requirement", REQUIREMENTS], timeout=7200)


class Peer:
    """Where it is, and how it is run."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.root = folder / "debian"
        self.packages = folder / "packages"
        self._complete = folder / "complete"
        self._folder = folder

    def prepare(self, say: Callable[[str], None]) -> None:
        """Raises Failed."""
        wanted = REQUIREMENTS.read_text()
        if self._complete.exists() and self._complete.read_text() == wanted:
            return
        say(f"unpacking AArch64 Python and PyTorch into {self._folder} (about 600 MB, once)")
        unpack_debian(self._folder / "apt", self.root)
        install_packages(self.packages)
        self._complete.write_text(wanted)

    def command(self, model: pathlib.Path, inputs: list[pathlib.Path]) -> list[str | pathlib.Path]:
        return [self.root / "usr/bin/python3.11", HERE / "emulated/infer.py", model, *inputs]

    def environment(self, precision: str) -> dict[str, str | None]:
        return {"QEMU_LD_PREFIX": str(self.root), "PYTHONHOME": str(self.root / "usr"), "PYTHONPATH": str(self.packages),
                "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "LRU_CACHE_CAPACITY": "1024",
                "DNNL_DEFAULT_FPMATH_MODE": "BF16" if precision == "bf16" else None, "ONEDNN_DEFAULT_FPMATH_MODE": None}
