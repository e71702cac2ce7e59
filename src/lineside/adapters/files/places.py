"""Where files lie: a local or mounted folder, an SFTP server or an S3 store, all of them through fsspec.

A `Place` is used from one thread at a time and connects when it is first asked. Whatever goes wrong on the way is
an `OSError` to those who use it (`EDGE` is the table of foreign errors): `PlaceLostError` where the place itself
does not answer, any other where it is about one file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast
from urllib.parse import urlsplit

from fsspec.implementations.local import LocalFileSystem

from lineside.adapters.files.options import FileOptions
from lineside.domain.errors import ConfigurationError
from lineside.domain.plan.model import FilesSpec
from lineside.domain.units import SECOND

EDGE: Final = frozenset(
    (
        "SSHException",
        "EOFError",
        "BotoCoreError",
        "ClientError",
        "HTTPClientError",
        "NoCredentialsError",
        "UnicodeError",
    )
)
"""Names of errors of paramiko and botocore (and of names that are no text) that are none of `OSError`."""


class PlaceLostError(OSError):
    """The folder or its server does not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file as a look found it.

    ``name`` is relative to the place, with slashes; ``modified`` in UTC nanoseconds by the place's own clock;
    ``version`` is what else the place says about its content: an entity tag, or the time again.
    """

    name: str
    size: int
    modified: int
    version: str

    @property
    def identity(self) -> tuple[str, int, str]:
        """What a change of the content changes."""
        return self.name, self.size, self.version


class Place(Protocol):
    """A folder, wherever it is; all calls block."""

    @property
    def local(self) -> bool:
        """Whether files can be read where they lie."""

    def look(self) -> list[Found]:
        """Return the files that are there now.

        Raises:
            PlaceLostError: the place does not answer.
        """

    def find(self, name: str) -> Found | None:
        """Return a file as it is now, or None where it is gone."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    def path(self, name: str) -> Path:
        """Return where a file lies on this machine, if the place is local."""

    def move(self, name: str, folder: str) -> str:
        """Move a file into a folder below the place, and return its new name there; nothing is overwritten."""

    def close(self) -> None:
        """Let go of the connection; the next call makes another."""


class FsspecPlace:
    """A place that fsspec reaches; ``connect`` makes its file system, ``root`` is the folder in it, or one file."""

    def __init__(self, connect: Callable[[], Any], root: str, *, subfolders: bool = False, local: bool = False) -> None:
        self._connect = connect
        self._root = root
        self._subfolders = subfolders
        self._local = local
        self._fs: Any = None
        self._alone = ""

    @property
    def local(self) -> bool:
        """Whether files can be read where they lie."""
        return self._local

    def look(self) -> list[Found]:
        """Return the files that are there now."""
        try:
            with foreign():
                fs = self._system()
                fs.invalidate_cache()
                return [_found(info, name) for info, name in self._entries(fs)]
        except OSError as error:
            self.close()
            raise PlaceLostError(*(error.args or (type(error).__name__,))) from error

    def find(self, name: str) -> Found | None:
        """Return a file as it is now, or None where it is gone."""
        with foreign():
            try:
                fs = self._system()
                fs.invalidate_cache()
                return _found(fs.info(self._full(name)), name)
            except FileNotFoundError:
                return None

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        with foreign():
            return cast("BinaryIO", self._system().open(self._full(name), "rb"))

    def path(self, name: str) -> Path:
        """Return where a file lies on this machine, if the place is local."""
        return Path(self._full(name))

    def move(self, name: str, folder: str) -> str:
        """Move a file into a folder below the place, and return its new name there; nothing is overwritten."""
        with foreign():
            fs = self._system()
            target = posixpath.join(folder, name)
            fs.makedirs(posixpath.dirname(self._full(target)), exist_ok=True)
            stem, suffix = posixpath.splitext(target)
            number = 1
            while fs.exists(self._full(target)):
                number += 1
                target = f"{stem}-{number}{suffix}"
            fs.mv(self._full(name), self._full(target))
            return target

    def close(self) -> None:
        """Let go of the connection; the next call makes another."""
        fs, self._fs = self._fs, None
        client = getattr(fs, "client", None)
        if client is not None:
            client.close()

    def _system(self) -> Any:
        if self._fs is None:
            self._fs = self._connect()
        return self._fs

    def _full(self, name: str) -> str:
        return self._root if name == "" else posixpath.join(self._root, name)

    def _entries(self, fs: Any) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the files with their names; a place that turns out to be one file becomes its folder."""
        if self._subfolders and not self._alone:
            if not fs.exists(self._root):
                raise FileNotFoundError(f"there is no folder {self._root}")
            infos = list(fs.find(self._root, detail=True).values())
        else:
            infos = fs.ls(self._root, detail=True)
        if [info["name"] for info in infos if info["type"] == "file"] == [self._root]:
            self._root, self._alone = posixpath.split(self._root)
        for info in infos:
            name = posixpath.relpath(info["name"], self._root)
            if info["type"] == "file" and self._alone in {"", name}:
                yield info, name


@contextmanager
def foreign() -> Iterator[None]:
    """Turn errors of the servers' libraries into `OSError`."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if any(kind.__name__ in EDGE for kind in type(error).__mro__):
            raise ConnectionError(str(error) or type(error).__name__) from error
        raise


def open_place(spec: FilesSpec, root: Path, options: FileOptions) -> FsspecPlace:
    """Return the place that a source's ``path`` names, not yet connected; relative paths start at ``root``.

    Raises:
        ConfigurationError: the address is of a kind that is not known.
    """
    address = urlsplit(spec.path)
    if "://" not in spec.path or address.scheme == "file":
        folder = Path(address.path) if address.scheme == "file" else root / spec.path
        return FsspecPlace(
            lambda: LocalFileSystem(skip_instance_cache=True), str(folder), subfolders=spec.subfolders, local=True
        )
    if address.scheme == "sftp":
        from lineside.adapters.files.sftp import connect_sftp  # noqa: PLC0415 - brings paramiko

        return FsspecPlace(lambda: connect_sftp(spec, options), address.path or "/", subfolders=spec.subfolders)
    if address.scheme == "s3":
        from lineside.adapters.files.s3 import connect_s3  # noqa: PLC0415 - brings s3fs

        root_key = f"{address.netloc}{address.path}".rstrip("/")
        return FsspecPlace(lambda: connect_s3(spec, options), root_key, subfolders=spec.subfolders)
    raise ConfigurationError(
        "files are not reached this way",
        field=f"sources.{spec.id}.path",
        value=spec.path,
        choices=("a path", "file:///folder", "sftp://user@host/folder", "s3://bucket/prefix"),
    )


def _found(info: dict[str, Any], name: str) -> Found:
    changed = info.get("mtime", info.get("LastModified"))
    modified = _nanoseconds(changed)
    version = str(info.get("ETag") or modified)
    return Found(name=name, size=int(info["size"] or 0), modified=modified, version=version)


def _nanoseconds(moment: object) -> int:
    if isinstance(moment, datetime):
        return int(moment.timestamp()) * SECOND + moment.microsecond * 1_000
    return round(moment * 1e6) * 1_000 if isinstance(moment, int | float) else 0
