"""The models of one seat on a gateway's disk: two slots, and a pointer that says which is in use.

::

    FOLDER/a/  FOLDER/b/    offer.json       the signed offer
                            model.bundle     the model that it names
                            fallback.bundle  the model to return to, where the offer names one
    FOLDER/current.json     which slot is in use and how: see `Pointer`

A new offer is written into the slot that is *not* in use, file by file, each synced, then the folder. Only then the
pointer is replaced: by a rename of a synced file, and a sync of the folder. Whatever ends the process or the power in
between, the pointer names the old slot, whole, or the new one, whole. Returning to the fallback replaces the pointer
alone. What lies in a slot is read without following links, and a file that does not belong there refuses it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.durable_files import replace_file, sync_path
from lineside.domain.errors import IntegrityError, StorageError
from lineside.wire.unreadable import UNREADABLE

OFFER, MODEL, FALLBACK, POINTER = "offer.json", "model.bundle", "fallback.bundle", "current.json"
USE_MODEL, USE_FALLBACK, USE_NONE = "model", "fallback", "none"
_SLOTS: Final = ("a", "b")
_NAMES: Final = frozenset({OFFER, MODEL, FALLBACK})


class Pointer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in use: the ``slot``, whether its ``model``, its ``fallback`` or ``none`` judges, and what was seen.

    ``seen`` is the highest version of an offer whose signature held, ``failed`` the newest version that gave way here;
    ``runtime`` names what the model was accepted by. ``reason`` says why the model does not judge.
    """

    slot: str = ""
    use: str = USE_NONE
    seen: int = 0
    failed: int = 0
    runtime: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotFiles:
    """What lies in a slot."""

    offer: bytes
    model: bytes
    fallback: bytes | None = None


class ModelSlots:
    """The two slots and the pointer of one seat; the folder is made when something is put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pointer(self) -> Pointer:
        """Return the pointer; one that says that nothing is in use where there is none.

        Raises:
            IntegrityError: it cannot be read.
        """
        try:
            return msgspec.json.decode(read_plain(self.folder / POINTER), type=Pointer)
        except FileNotFoundError:
            return Pointer()
        except UNREADABLE as error:
            raise IntegrityError("the pointer to a model cannot be read", where=str(self.folder / POINTER)) from error

    def read(self, slot: str) -> SlotFiles:
        """Return what lies in a slot; what it says of itself is not checked here.

        Raises:
            IntegrityError: something is missing, is a link, or does not belong there.
        """
        folder = self.folder / slot
        try:
            strange = sorted({path.name for path in folder.iterdir()} - _NAMES)
            if strange:
                raise IntegrityError("a file that does not belong to a model", where=str(folder), value=strange[0])
            fallback = read_plain(folder / FALLBACK) if (folder / FALLBACK).exists() else None
            return SlotFiles(offer=read_plain(folder / OFFER), model=read_plain(folder / MODEL), fallback=fallback)
        except OSError as error:
            raise IntegrityError(f"a model on the disk cannot be read: {error.strerror}", where=str(folder)) from error

    def stage(self, files: SlotFiles) -> str:
        """Write a model durably into the slot that is not in use, and return the slot.

        Raises:
            StorageError: it could not be written; what is in use stays.
        """
        slot = _SLOTS[1] if self._slot_in_use() == _SLOTS[0] else _SLOTS[0]
        folder = self.folder / slot
        try:
            self._make(folder)
            for path in folder.iterdir():
                path.unlink()
        except OSError as error:
            raise StorageError(f"a slot cannot be emptied: {error.strerror}", where=str(folder)) from error
        replace_file(folder / OFFER, files.offer)
        replace_file(folder / MODEL, files.model)
        if files.fallback is not None:
            replace_file(folder / FALLBACK, files.fallback)
        sync_path(folder)
        return slot

    def point(self, pointer: Pointer) -> None:
        """Make a pointer the one that counts, durably and in one step.

        Raises:
            StorageError: the old one counts.
        """
        self._make(self.folder)
        replace_file(self.folder / POINTER, msgspec.json.encode(pointer))

    def _slot_in_use(self) -> str:
        try:
            return self.pointer().slot
        except IntegrityError:
            return ""

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_path(folder.parent)


def read_plain(path: Path) -> bytes:
    """Return the bytes of an ordinary file that has one name: neither a link nor linked from elsewhere.

    One that is replaced at this very moment has no name any more; what it held is returned.

    Raises:
        IntegrityError: it is a link or no ordinary file.
        OSError: it cannot be read; `FileNotFoundError` where it is not there.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise IntegrityError("a file of a model is a link", where=str(path)) from error
        raise
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
            raise IntegrityError("a file of a model is linked, or no ordinary file", where=str(path))
        return file.read()
