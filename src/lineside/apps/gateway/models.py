"""The models that a gateway runs: fetched from the plant, kept beside it, opened per station."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.plan.model import Plan
from lineside.flows.releases import fetch_releases
from lineside.ports import Bus
from lineside.wire.bundle import Bundle, unpack_bundle
from lineside.wire.subjects import Subjects

_SUFFIX = ".bundle"


class ModelShelf:
    """Keeps the bundles in service in a folder, so that the gateway judges without the plant."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._bundles: dict[str, Bundle] = {}
        self.refused: dict[str, str] = {}

    @property
    def in_service(self) -> dict[str, str]:
        """What each model in service is: its version and station, by the name of its bundle."""
        return {
            name: f"version {bundle.manifest.version} of {bundle.manifest.characteristic} at {bundle.manifest.station}"
            for name, bundle in self._bundles.items()
        }

    def load(self) -> None:
        """Read the bundles that are kept; one that is damaged or for another plan is left out with its reason."""
        self._take({path.stem: path.read_bytes() for path in sorted(self._folder.glob(f"*{_SUFFIX}"))})

    async def refresh(self, bus: Bus, subjects: Subjects) -> bool:
        """Fetch what is in service now; return whether anything changed.

        Raises:
            UnavailableError: the plant does not answer; what was kept stays.
        """
        kept = {path.stem: path.read_bytes() for path in self._folder.glob(f"*{_SUFFIX}")}
        bundles = await fetch_releases(bus, subjects, kept)
        if bundles == kept:
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, body in bundles.items():
            if kept.get(name) != body:
                partial = self._folder / f"{name}.partial"
                partial.write_bytes(body)
                partial.replace(self._folder / f"{name}{_SUFFIX}")
        for name in kept.keys() - bundles.keys():
            (self._folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)
        self._take(bundles)
        return True

    def judge_for(self, station: str) -> OnnxJudge | None:
        """Return an opened judge of the station's models, None where it has none."""
        bundles = [bundle for bundle in self._bundles.values() if bundle.manifest.station == station]
        return OnnxJudge(self._plan, station, bundles).open() if bundles else None

    def _take(self, bodies: Mapping[str, bytes]) -> None:
        """Unpack and try every bundle; a model that is not what it says never gets to judge."""
        self._bundles, self.refused = {}, {}
        for name, body in bodies.items():
            try:
                bundle = unpack_bundle(body)
                OnnxJudge(self._plan, bundle.manifest.station, [bundle]).open()
            except (IntegrityError, ConfigurationError) as error:
                self.refused[name] = str(error)
            else:
                self._bundles[name] = bundle
