"""Bundles in MLflow's tracking and registry: an embedded SQLite file, or the company's server.

A bundle is a run with its figures, and a version of the registered model ``<site>.<line>.<characteristic>``. What is
kept is the packed bundle itself, as one artifact: nothing is pickled, and nothing that MLflow holds is executed. What
is read back is checked against its own digest, so that the server need not be trusted. MLflow counts versions by
itself; ours stands in a tag.

MLflow tells its makers what is used of it unless it is told not to before it is imported: it is.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from lineside.domain.errors import ConfigurationError, IntegrityError, LinesideError, StorageError
from lineside.wire.bundle import Bundle, manifest_digest, pack_bundle, unpack_bundle

_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_TRACKING_URI": "",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}  # fmt: skip
_ARTIFACT: Final = "model.bundle"
_VERSION: Final = "lineside.version"
_DIGEST: Final = "lineside.digest"
_STATION: Final = "lineside.station"
_CHARACTERISTIC: Final = "lineside.characteristic"
_IN_SERVICE: Final = "in-service"
_EXPERIMENT: Final = "lineside"


class MlflowRegistry:
    """Implements `lineside.ports.Registry` by an MLflow server or file.

    Args:
        uri: ``sqlite:///FILE`` or ``https://...``.
        artifacts: where bundles go, for an embedded file; a server has a place of its own.
        site: of the line.
        line: whose models these are.
    """

    def __init__(self, uri: str, *, site: str, line: str, artifacts: Path | None = None) -> None:
        self._client = _client_of(uri)
        self._errors = importlib.import_module("mlflow.exceptions").MlflowException
        self._prefix = f"{site}.{line}."
        self._artifacts = artifacts

    def next_version(self, characteristic: str) -> int:
        """Return one above the greatest version kept, 1 where there is none."""
        return max((_number(item) for item in self._versions(characteristic)), default=0) + 1

    def add(self, bundle: Bundle) -> str:
        """Keep a bundle as a run and a version of its registered model; return both in words."""
        manifest = bundle.manifest
        if self._kept(manifest.characteristic, manifest.version) is not None:
            raise StorageError("a bundle of that version is already kept", where=bundle.name)
        name = self._prefix + manifest.characteristic
        try:
            run = self._client.create_run(self._experiment(), run_name=bundle.name, tags=_tags(bundle))
            self._log(run.info.run_id, bundle)
            self._client.set_terminated(run.info.run_id)
            if not self._known(name):
                self._client.create_registered_model(name)
            source = f"{run.info.artifact_uri}/{_ARTIFACT}"
            made = self._client.create_model_version(name, source, run.info.run_id, tags=_tags(bundle))
        except (self._errors, OSError) as error:
            raise StorageError(f"MLflow does not keep the bundle: {error}", where=name) from error
        return f"{name} version {made.version}, run {run.info.run_id}"

    def activate(self, bundle: Bundle) -> None:
        """Let the alias ``in-service`` of the registered model lead to a kept bundle."""
        manifest = bundle.manifest
        kept = self._kept(manifest.characteristic, manifest.version)
        if kept is None or kept.tags.get(_DIGEST) != manifest_digest(manifest):
            raise IntegrityError("no such bundle is kept", value=bundle.name)
        try:
            self._client.set_registered_model_alias(self._prefix + manifest.characteristic, _IN_SERVICE, kept.version)
        except self._errors as error:
            raise StorageError(f"MLflow does not put it in service: {error}", where=bundle.name) from error

    def active(self, station: str) -> tuple[Bundle, ...]:
        """Return the bundles in service at a station, each read and checked, by characteristic."""
        found = []
        for model in self._models():
            number = model.aliases.get(_IN_SERVICE)
            if number is None:
                continue
            version = self._client.get_model_version(model.name, number)
            if version.tags.get(_STATION) == station:
                found.append(self._read(version))
        return tuple(sorted(found, key=lambda item: item.manifest.characteristic))

    def bundle(self, characteristic: str, version: int) -> Bundle:
        """Return a kept bundle, read and checked.

        Raises:
            IntegrityError: there is none, or it is not what it claims to be.
        """
        kept = self._kept(characteristic, version)
        if kept is None:
            known = sorted(_number(item) for item in self._versions(characteristic))
            raise IntegrityError("no such bundle is kept", field="version", value=version, choices=known)
        return self._read(kept)

    def _log(self, run_id: str, bundle: Bundle) -> None:
        manifest, training = bundle.manifest, bundle.manifest.training
        for name, value in training.metrics.items():
            self._client.log_metric(run_id, name, value)
        facts = {
            "family": manifest.family, "seed": training.seed, "rows": training.rows, "data": training.data_version,
            "code": training.code_version, "plan revision": manifest.plan_revision, "plan": manifest.plan_digest,
            "recipe": manifest.recipe, "limit": manifest.limit, "scheme": training.scheme,
        }  # fmt: skip
        for name, fact in facts.items():
            self._client.log_param(run_id, name.replace(" ", "_"), str(fact)[:500])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / _ARTIFACT
            path.write_bytes(pack_bundle(bundle))
            self._client.log_artifact(run_id, str(path))

    def _read(self, version: Any) -> Bundle:
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self._client.download_artifacts(version.run_id, _ARTIFACT, folder)
                bundle = unpack_bundle(Path(path).read_bytes())
            except LinesideError:
                raise
            except (self._errors, OSError) as error:
                raise IntegrityError(f"MLflow does not give the bundle back: {error}", value=version.name) from error
        if manifest_digest(bundle.manifest) != version.tags.get(_DIGEST):
            raise IntegrityError("a bundle is not the one that was kept", value=version.name)
        return bundle

    def _kept(self, characteristic: str, version: int) -> Any | None:
        return next((item for item in self._versions(characteristic) if _number(item) == version), None)

    def _versions(self, characteristic: str) -> list[Any]:
        name = self._prefix + characteristic
        return list(self._client.search_model_versions(f"name = '{name}'"))

    def _models(self) -> Iterable[Any]:
        token: str | None = None
        while True:
            page = self._client.search_registered_models(page_token=token)
            yield from (item for item in page if item.name.startswith(self._prefix))
            token = page.token
            if not token:
                return

    def _known(self, name: str) -> bool:
        return any(item.name == name for item in self._models())

    def _experiment(self) -> str:
        name = f"{_EXPERIMENT} {self._prefix.rstrip('.')}"
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        where = None if self._artifacts is None else self._artifacts.resolve().as_uri()
        return str(self._client.create_experiment(name, artifact_location=where))


def _client_of(uri: str) -> Any:
    """Return a client, telemetry off before MLflow is imported for the first time.

    Raises:
        ConfigurationError: MLflow is not installed.
    """
    os.environ.update({name: value for name, value in _QUIET.items() if value})
    try:
        mlflow = importlib.import_module("mlflow")
    except ModuleNotFoundError as error:
        raise ConfigurationError("MLflow is not installed", next_step="pip install 'lineside[mlflow]'") from error
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def _tags(bundle: Bundle) -> dict[str, str]:
    manifest = bundle.manifest
    return {
        _VERSION: str(manifest.version),
        _DIGEST: manifest_digest(manifest),
        _STATION: manifest.station,
        _CHARACTERISTIC: manifest.characteristic,
    }


def _number(version: Any) -> int:
    return int(version.tags.get(_VERSION, "0"))
