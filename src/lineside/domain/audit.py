"""The audit record's chain: every entry names the one before it by its hash.

An entry's hash is SHA-256 over a domain tag, the writer, the sequence, the time, the action, the content and the
hash of the entry before, each behind its length, so that no two different entries have one form. A chain alone
shows edits, deletions, insertions and changes of order; that its end was cut off, or that the whole was written
anew, shows only against a *mark* (sequence and hash) that somebody else holds: a signed checkpoint, or what another
writer has witnessed in a chain of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GENESIS: Final = "0" * 64
"""The hash that the first entry names as the one before."""
WITNESSED: Final = "audit.witnessed"
"""Action of an entry that holds another writer's mark: ``{"writer", "sequence", "hash"}``."""
_TAG: Final = b"lineside audit entry v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One entry of an audit chain; ``content`` is canonical JSON, ``hash`` covers all else and ``previous``."""

    writer: str
    sequence: int
    time: int
    action: str
    content: str
    previous: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """That a writer's chain had this hash at this sequence, as ``witness`` says."""

    writer: str
    sequence: int
    hash: str
    witness: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """Where a chain is not what it was: the sequence, and what is wrong in words."""

    writer: str
    sequence: int
    problem: str


def canonical(content: Mapping[str, object]) -> str:
    """Return a content as JSON of one form: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: it holds something that JSON does not know.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def make_entry(*, writer: str, sequence: int, time: int, action: str, content: str, previous: str) -> AuditEntry:
    """Return the entry with its hash."""
    return AuditEntry(
        writer=writer,
        sequence=sequence,
        time=time,
        action=action,
        content=content,
        previous=previous,
        hash=_hash(writer, sequence, time, action, content, previous),
    )


def verify_chain(entries: Sequence[AuditEntry], marks: Iterable[Mark] = ()) -> tuple[Break, ...]:
    """Return where a writer's entries, in the order in which they are stored, break the chain or miss a mark."""
    breaks = [*_broken_links(entries)]
    hashes = {entry.sequence: entry.hash for entry in entries}
    for mark in marks:
        found = hashes.get(mark.sequence)
        if found is None:
            problem = f"the entry that {mark.witness} vouches for is gone: the chain was cut or replaced"
            breaks.append(Break(writer=mark.writer, sequence=mark.sequence, problem=problem))
        elif found != mark.hash:
            problem = f"the entry is not the one that {mark.witness} vouches for: the chain was written anew"
            breaks.append(Break(writer=mark.writer, sequence=mark.sequence, problem=problem))
    return tuple(breaks)


def witnessed_marks(entries: Iterable[AuditEntry]) -> tuple[Mark, ...]:
    """Return the marks of other writers that a chain holds."""
    found = []
    for entry in entries:
        if entry.action == WITNESSED:
            content = json.loads(entry.content)
            found.append(
                Mark(
                    writer=str(content["writer"]),
                    sequence=int(content["sequence"]),
                    hash=str(content["hash"]),
                    witness=f"{entry.writer} (its entry {entry.sequence})",
                )
            )
    return tuple(found)


def _broken_links(entries: Sequence[AuditEntry]) -> Iterable[Break]:
    previous, sequence, writer = GENESIS, 0, entries[0].writer if entries else ""
    for entry in entries:
        sequence += 1
        if entry.writer != writer:
            yield Break(writer=writer, sequence=entry.sequence, problem=f"the entry is {entry.writer}'s")
        if entry.sequence != sequence:
            yield Break(writer=writer, sequence=sequence, problem=f"the entry is missing; {entry.sequence} follows")
            sequence = entry.sequence
        elif entry.previous != previous:
            yield Break(writer=writer, sequence=sequence, problem="the entry does not follow from the one before it")
        expected = _hash(entry.writer, entry.sequence, entry.time, entry.action, entry.content, entry.previous)
        if entry.hash != expected:
            yield Break(writer=writer, sequence=entry.sequence, problem="the entry was changed: its hash does not fit")
        previous = entry.hash


def _hash(writer: str, sequence: int, time: int, action: str, content: str, previous: str) -> str:
    digest = hashlib.sha256(_TAG)
    for field in (writer, str(sequence), str(time), action, content, previous):
        data = field.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
