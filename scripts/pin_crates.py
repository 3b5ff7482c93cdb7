#!/usr/bin/env python3
"""Pins every crate that src/text/tokenizers_c links, directly or not, to the version that its Cargo.toml names.

  scripts/pin_crates.py            lets cargo choose the newest versions that fit, and writes them into Cargo.toml
  scripts/pin_crates.py --check    says which crates are not pinned; exit status 1 where there are any

A lock file names the registry it was made with, so none is kept: exact versions in Cargo.toml do its work. They stand
below a target that never is, so that cargo obeys the versions and builds nothing for them.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MANIFEST = pathlib.Path(__file__).resolve().parent.parent / "src/text/tokenizers_c/Cargo.toml"
HEADING = "# Everything else that is linked or runs while building: scripts/pin_crates.py wrote this.\n[target.'cfg(any())'.dependencies]\n"


def resolved(text):
    """The crates, but for the root, that cargo resolves for this manifest on Linux: {(name, version)}."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "Cargo.toml").write_text(text)
        shutil.copytree(MANIFEST.parent / "src", pathlib.Path(folder, "src"))
        command = ["cargo", "metadata", "--format-version", "1"]
        for platform in ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"):
            command += ["--filter-platform", platform]
        found = json.loads(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout)
    used = {node["id"] for node in found["resolve"]["nodes"]}
    return {(p["name"], p["version"]) for p in found["packages"] if p["id"] in used and p["source"]}


def pinned_crates(text):
    """The crates that the manifest pins exactly: {(name, version)}."""
    crates = set()
    for key, rest in re.findall(r'^([\w-]+) = (\{.*"=[^"]+".*\}|"=[^"]+")', text, re.M):
        package = re.search(r'package = "([^"]+)"', rest)
        crates.add((package.group(1) if package else key, re.search(r'"=([^"]+)"', rest).group(1)))
    return crates


def main():
    text = MANIFEST.read_text()
    if sys.argv[1:] == ["--check"]:
        loose = sorted(resolved(text) - pinned_crates(text))
        for name, version in loose:
            print(f"{MANIFEST.name}: {name} {version} is not pinned; run scripts/pin_crates.py")
        return 1 if loose else 0
    if sys.argv[1:]:
        sys.exit(__doc__)
    text = text.split(HEADING)[0]
    direct = {name for name, _ in pinned_crates(text)}
    crates = sorted((name, version) for name, version in resolved(text) if name not in direct)
    names = [name for name, _ in crates]
    lines = []
    for name, version in crates:
        if names.count(name) == 1:
            lines.append(f'{name} = {{ version = "={version}", default-features = false }}\n')
        else:  # two versions of one crate need a name each
            key = f"{name}_{version.replace('.', '_')}"
            lines.append(f'{key} = {{ package = "{name}", version = "={version}", default-features = false }}\n')
    MANIFEST.write_text(text.rstrip("\n") + "\n\n" + HEADING + "".join(lines))
    print(f"{len(crates)} crates pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
