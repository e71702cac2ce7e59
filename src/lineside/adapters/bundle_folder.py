"""A registry in a folder: one file per bundle, and ``active.json`` that says which are in service.

A file is written beside its place, synchronised and renamed, and then the folder is synchronised: after a power cut
there is the old state or the new one, never half of either. Files are named ``<characteristic>-<version>.bundle``, and
what a name claims is checked against the manifest.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final

from lineside.domain.errors import IntegrityError, StorageError
from lineside.wire.bundle import Bundle, manifest_digest, pack_bundle, unpack_bundle

ACTIVE: Final = "active.json"
_FILE: Final = re.compile(r"(?P<characteristic>[a-z][a-z0-9_]{0,62})-(?P<version>[1-9]\d{0,8})\.bundle")


class BundleFolder:
    """Implements `lineside.ports.Registry`; the folder is made when the first bundle is added."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def next_version(self, characteristic: str) -> int:
        """Return one above the greatest version kept, 1 where there is none."""
        return max(self._versions(characteristic), default=0) + 1

    def add(self, bundle: Bundle) -> str:
        """Keep a bundle durably; return the file's path."""
        target = self._path / _file_name(bundle)
        if target.exists():
            raise StorageError("a bundle of that version is already kept", where=str(target))
        self._write(target, pack_bundle(bundle))
        return str(target)

    def activate(self, bundle: Bundle) -> None:
        """Put a kept bundle in service."""
        name = _file_name(bundle)
        if manifest_digest(self._read(name).manifest) != manifest_digest(bundle.manifest):
            raise IntegrityError("another bundle is kept under that name", value=name)
        active = self._active_files()
        active[f"{bundle.manifest.station}/{bundle.manifest.characteristic}"] = name
        text = json.dumps(dict(sorted(active.items())), indent=2) + "\n"
        self._write(self._path / ACTIVE, text.encode())

    def active(self, station: str) -> tuple[Bundle, ...]:
        """Return the bundles in service at a station, each read and checked."""
        found = []
        for place, name in sorted(self._active_files().items()):
            if place.partition("/")[0] == station:
                bundle = self._read(name)
                if place != f"{bundle.manifest.station}/{bundle.manifest.characteristic}":
                    raise IntegrityError("a bundle in service is for something else", field=place, value=name)
                found.append(bundle)
        return tuple(found)

    def bundles(self, characteristic: str) -> tuple[Bundle, ...]:
        """Return every bundle kept for a characteristic, the newest first."""
        versions = sorted(self._versions(characteristic), reverse=True)
        return tuple(self._read(f"{characteristic}-{version}.bundle") for version in versions)

    def _versions(self, characteristic: str) -> list[int]:
        if not self._path.is_dir():
            return []
        matches = (_FILE.fullmatch(path.name) for path in self._path.iterdir())
        return [int(match["version"]) for match in matches if match and match["characteristic"] == characteristic]

    def _active_files(self) -> dict[str, str]:
        try:
            text = (self._path / ACTIVE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            found = json.loads(text)
        except ValueError as error:
            raise IntegrityError("the list of bundles in service cannot be read", where=ACTIVE) from error
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
            raise IntegrityError("the list of bundles in service has another form", where=ACTIVE)
        return found

    def _read(self, name: str) -> Bundle:
        if _FILE.fullmatch(name) is None:
            raise IntegrityError("not the name of a bundle", value=name)
        try:
            bundle = unpack_bundle((self._path / name).read_bytes())
        except OSError as error:
            raise IntegrityError(f"a bundle cannot be read: {error.strerror}", value=name) from error
        if _file_name(bundle) != name:
            raise IntegrityError("a bundle is not what its name says", value=name, choices=(_file_name(bundle),))
        return bundle

    def _write(self, target: Path, data: bytes) -> None:
        beside = target.with_name(f".{target.name}.new")
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StorageError(f"a bundle cannot be stored: {error.strerror}", where=str(target)) from error


def _file_name(bundle: Bundle) -> str:
    return f"{bundle.manifest.characteristic}-{bundle.manifest.version}.bundle"
