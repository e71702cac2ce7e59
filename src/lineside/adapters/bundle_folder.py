"""A registry in a folder: one file per bundle, and per place the signed offer of the model in service.

A file is written beside its place, synchronised and renamed, and then the folder is synchronised: after a power cut
there is the old state or the new one, never half of either. Bundles are named ``<characteristic>-<version>.bundle``,
and what a name claims is checked against the manifest. ``<station>.<characteristic>.offer`` is the newest offer of a
place (see `lineside.wire.offers`) and says what is in service there. Folders from before offers were signed have an
``active.json`` instead; what it names is shown, and reaches no gateway until it is signed.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.durable_files import replace_file, sync_path
from lineside.domain.errors import ConfigurationError, IntegrityError, StorageError
from lineside.domain.releases.canary import Canary
from lineside.domain.units import SECOND
from lineside.wire.bundle import Bundle, manifest_digest, pack_bundle, unpack_bundle
from lineside.wire.canaries import CANARY_LASTS, CanaryOffer, read_canary, sign_canary
from lineside.wire.offers import VALID_FOR, Offer, make_offer, offered_bundle, read_offer, sign_offer
from lineside.wire.signed import Signer

ACTIVE: Final = "active.json"
OFFER_SUFFIX: Final = ".offer"
CANARY_SUFFIX: Final = ".canary"
_FILE: Final = re.compile(r"(?P<characteristic>[a-z][a-z0-9_]{0,62})-(?P<version>[1-9]\d{0,8})\.bundle")


@dataclass(frozen=True, kw_only=True, slots=True)
class InService:
    """What is in service at a place: the bundle, and its offer with the signed bytes (None: it was never signed)."""

    bundle: Bundle
    offer: Offer | None = None
    envelope: bytes = b""


class BundleFolder:
    """Implements `lineside.ports.Registry`; the folder is made when the first bundle is added.

    ``signer`` signs the offers; without one bundles can be kept and read, and a model put in service stays unsigned.
    """

    def __init__(self, path: Path, signer: Signer | None = None) -> None:
        self._path = path
        self._signer = signer

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
        """Put a kept bundle in service, by a signed offer where there is a signer."""
        self._kept(bundle)
        if self._signer is not None:
            self.offer(bundle)
            return
        place = _place(bundle)
        if self._offer_file(place).exists():
            raise ConfigurationError(
                "models of this folder are signed", value=place, next_step="put it in service by `lineside model offer`"
            )
        active = self._active_files()
        active[place] = _file_name(bundle)
        text = json.dumps(dict(sorted(active.items())), indent=2) + "\n"
        self._write(self._path / ACTIVE, text.encode())

    def offer(self, bundle: Bundle, *, note: str = "", above: int = 0, valid_for: int = VALID_FOR) -> Offer:
        """Put a kept bundle in service by a signed offer of a new version, and return the offer.

        What was in service before is what gateways return to, where it was made for the same plan.

        Args:
            bundle: a bundle that is kept here.
            note: why, in words for people.
            above: the offer's version is greater than this too (what gateways have seen of a registry that was lost).
            valid_for: how long the offer may be taken, ns.
        """
        if self._signer is None:
            raise ConfigurationError("there is no key to sign an offer with", value=bundle.name)
        self._kept(bundle)
        place = _place(bundle)
        before = self._in_service(place)
        known = 0 if before is None or before.offer is None else before.offer.version
        offer = make_offer(
            bundle,
            version=max(known, above) + 1,
            now=time.time_ns(),
            fallback=self._fallback(before, bundle),
            valid_for=valid_for,
            note=note,
        )
        self._write(self._offer_file(place), sign_offer(offer, self._signer))
        return offer

    def offer_canary(self, bundle: Bundle, canary: Canary, *, note: str = "") -> CanaryOffer:
        """Offer a kept bundle as the canary of its place, beside what is in service; the one before ends."""
        if self._signer is None:
            raise ConfigurationError("there is no key to sign an offer with", value=bundle.name)
        self._kept(bundle)
        file = self._offer_file(_place(bundle)).with_suffix(CANARY_SUFFIX)
        now = time.time_ns()
        offer = make_offer(bundle, version=now // SECOND, now=now, valid_for=CANARY_LASTS, note=note)
        made = CanaryOffer(offer=offer, share=canary.share, stations=canary.stations)
        self._write(file, sign_canary(made, self._signer))
        return made

    def end_canary(self, place: str) -> None:
        """Offer the canary of a place no more; harmless where there is none."""
        file = self._offer_file(place).with_suffix(CANARY_SUFFIX)
        if file.exists():
            file.unlink()
            sync_path(self._path)

    def canaries(self) -> tuple[tuple[CanaryOffer, bytes], ...]:
        """Return the canaries that are offered, with their envelopes; gateways check the signatures."""
        envelopes = [path.read_bytes() for path in sorted(self._path.glob(f"*{CANARY_SUFFIX}"))]
        return tuple((read_canary(envelope), envelope) for envelope in envelopes)

    def on_trial(self, characteristic: str) -> bool:
        """Return whether a canary of a characteristic is offered whose time is not over: one forgotten is no trial."""
        offers = [canary.offer for canary, _ in self.canaries()]
        return any(offer.characteristic == characteristic and offer.expires > time.time_ns() for offer in offers)

    def active(self, station: str) -> tuple[Bundle, ...]:
        """Return the bundles in service at a station, each read and checked."""
        return tuple(item.bundle for item in self.in_service(station))

    def in_service(self, station: str) -> tuple[InService, ...]:
        """Return what is in service at a station with the offers, by characteristic.

        Raises:
            IntegrityError: a bundle or an offer is not what it claims to be.
        """
        chosen = [self._in_service(place) for place in self._places() if place.partition("/")[0] == station]
        return tuple(item for item in chosen if item is not None)

    def all_in_service(self) -> tuple[InService, ...]:
        """Return what is in service anywhere, by station and characteristic."""
        chosen = [self._in_service(place) for place in self._places()]
        return tuple(item for item in chosen if item is not None)

    def bundles(self, characteristic: str) -> tuple[Bundle, ...]:
        """Return every bundle kept for a characteristic, the newest first."""
        versions = sorted(self._versions(characteristic), reverse=True)
        return tuple(self._read(f"{characteristic}-{version}.bundle") for version in versions)

    def by_digest(self, characteristic: str, digest: str) -> Bundle | None:
        """Return the bundle of a characteristic with that digest, None where it is not kept."""
        versions = sorted(self._versions(characteristic), reverse=True)
        kept = (self._read(f"{characteristic}-{version}.bundle") for version in versions)
        return next((item for item in kept if manifest_digest(item.manifest) == digest), None)

    def _places(self) -> list[str]:
        offers = {path.name.removesuffix(OFFER_SUFFIX) for path in self._path.glob(f"*{OFFER_SUFFIX}")}
        return sorted({name.replace(".", "/") for name in offers} | self._active_files().keys())

    def _in_service(self, place: str) -> InService | None:
        """Return what is in service at a place: what its offer says, or the unsigned list where there is no offer."""
        path = self._offer_file(place)
        if path.exists():
            envelope = path.read_bytes()
            offer = read_offer(envelope)  # gateways check the signature: here the folder itself is trusted
            bundle = self.by_digest(offer.characteristic, offer.digest)
            if bundle is None or offer.place != place:
                raise IntegrityError("the model that is offered is not kept", field=place, value=offer.model)
            return InService(bundle=offered_bundle(offer, pack_bundle(bundle)), offer=offer, envelope=envelope)
        name = self._active_files().get(place)
        if name is None:
            return None
        bundle = self._read(name)
        if place != _place(bundle):
            raise IntegrityError("a bundle in service is for something else", field=place, value=name)
        return InService(bundle=bundle)

    def _fallback(self, before: InService | None, bundle: Bundle) -> str:
        """Return the digest of the model to return to: the one before, if it judges by the same plan; else none."""
        if before is None:
            return ""
        old, new = before.bundle.manifest, bundle.manifest
        if (old.plan_digest, old.recipe) != (new.plan_digest, new.recipe):
            return ""
        if manifest_digest(old) != manifest_digest(new):
            return manifest_digest(old)
        return "" if before.offer is None else before.offer.fallback_digest

    def _kept(self, bundle: Bundle) -> None:
        name = _file_name(bundle)
        if manifest_digest(self._read(name).manifest) != manifest_digest(bundle.manifest):
            raise IntegrityError("another bundle is kept under that name", value=name)

    def _offer_file(self, place: str) -> Path:
        return self._path / f"{place.replace('/', '.')}{OFFER_SUFFIX}"

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
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"a bundle cannot be stored: {error.strerror}", where=str(target)) from error
        replace_file(target, data)


def _place(bundle: Bundle) -> str:
    return f"{bundle.manifest.station}/{bundle.manifest.characteristic}"


def _file_name(bundle: Bundle) -> str:
    return f"{bundle.manifest.characteristic}-{bundle.manifest.version}.bundle"
