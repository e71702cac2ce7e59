"""Takes what the board vendors from npm, or checks it: ``python tools/vendor.py [--check] [--tarball FILE]``.

``vendored.json`` beside the board names each package with its version, the integrity that npm publishes for it (SHA-512
of the tarball) and the SHA-256 of each file that is taken. The tarball comes by ``npm pack``, is held to the integrity,
and its files are copied as they are; ``--check`` copies nothing and fails where one differs. To go to another version,
change version and integrity, run it, and write the hashes that it prints into the list.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

BOARD = Path(__file__).resolve().parents[1] / "src/lineside/apps/plant/board"


def fetch(name: str, version: str, folder: Path) -> Path:
    """Return the tarball of a package, as npm has it."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to fetch what is vendored; nothing else needs it")
    said = subprocess.run(  # noqa: S603 - a name and version of our own list
        [npm, "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True, text=True
    )
    return folder / said.stdout.split()[-1]


def taken(tarball: Path, integrity: str, files: dict[str, dict[str, str]]) -> dict[str, bytes]:
    """Return the files of a tarball under the names they get here; ends where it is not the one that is meant."""
    kind, _, digest = integrity.partition("-")
    if kind != "sha512" or base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode() != digest:
        raise SystemExit(f"{tarball.name} is not the package that is meant: its SHA-512 differs")
    found = {}
    with tarfile.open(tarball) as archive:
        for name, item in files.items():
            member = archive.extractfile(f"package/{item['from']}")
            if member is None:
                raise SystemExit(f"{tarball.name} has no file {item['from']}")
            found[name] = member.read()
    return found


def main() -> int:
    """Take or check every package; exit code 1 where a file differs from the list or from the package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="copy nothing, compare what is here with npm's")
    parser.add_argument("--tarball", type=Path, help="a tarball that is there already")
    arguments = parser.parse_args()
    wrong = 0
    for name, item in json.loads((BOARD / "vendored.json").read_text(encoding="utf-8")).items():
        with tempfile.TemporaryDirectory() as folder:
            tarball = arguments.tarball or fetch(name, item["version"], Path(folder))
            found = taken(tarball, item["integrity"], item["files"])
        for file, content in found.items():
            place, digest = BOARD / "static" / file, hashlib.sha256(content).hexdigest()
            if not arguments.check:
                place.write_bytes(content)
            right = place.is_file() and place.read_bytes() == content and digest == item["files"][file]["sha256"]
            wrong += not right
            sys.stdout.write(f"{'same' if right else 'DIFFERS'}  {digest}  {file}  {name} {item['version']}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
