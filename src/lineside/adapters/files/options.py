"""How files are played or watched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOptions:
    """How files are played.

    Args:
        speed: times the speed of the rows' own times; None: as fast as possible.
        rebase: shift times so that the first row is now.
        replayed: mark deliveries as history that is never live; None: unless rebased or followed.
        follow: watch the folder for files to come, and take each of them once.
        block_rows: most rows of a delivery.
        state: file that keeps across restarts what was taken; None: begin anew.
        recorded: cycle ids of part rows that were recorded before a restart: if they come again they are duplicates.
        password: of the server: the SFTP user's, or the secret key of an S3 store.
        private_key: file of the key to log in with over SFTP, in place of a password.
        known_hosts: file of the SFTP host keys that are trusted.
        pseudonyms: file of the key of pseudonyms for inspectors' names, made when a plan asks for them; None: the
            names are dropped.
    """

    speed: float | None = None
    rebase: bool = False
    replayed: bool | None = None
    follow: bool = False
    block_rows: int = 8_192
    state: Path | None = None
    recorded: Collection[str] = ()
    password: str = ""
    private_key: Path | None = None
    known_hosts: Path | None = None
    pseudonyms: Path | None = None

    @property
    def is_replay(self) -> bool:
        """Whether deliveries are history."""
        return not (self.rebase or self.follow) if self.replayed is None else self.replayed
