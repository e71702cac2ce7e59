"""A registry that forgets when its process ends."""

from __future__ import annotations

from lineside.domain.errors import IntegrityError, StorageError
from lineside.wire.bundle import Bundle


class FakeRegistry:
    """Implements `lineside.ports.Registry` in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Bundle] = {}
        self.in_service: dict[tuple[str, str], Bundle] = {}

    def next_version(self, characteristic: str) -> int:
        """Return one above the greatest version kept."""
        return max((version for name, version in self.kept if name == characteristic), default=0) + 1

    def add(self, bundle: Bundle) -> str:
        """Keep a bundle."""
        key = (bundle.manifest.characteristic, bundle.manifest.version)
        if key in self.kept:
            raise StorageError("a bundle of that version is already kept", value=key)
        self.kept[key] = bundle
        return f"memory:{key[0]}-{key[1]}"

    def activate(self, bundle: Bundle) -> None:
        """Put a kept bundle in service."""
        if self.kept.get((bundle.manifest.characteristic, bundle.manifest.version)) != bundle:
            raise IntegrityError("no such bundle is kept", value=bundle.name)
        self.in_service[bundle.manifest.station, bundle.manifest.characteristic] = bundle

    def active(self, station: str) -> tuple[Bundle, ...]:
        """Return the bundles in service at a station."""
        return tuple(bundle for (place, _), bundle in sorted(self.in_service.items()) if place == station)
