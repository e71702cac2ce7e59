"""The names under which processes find each other on the bus; every one carries site and line.

What a gateway sends and asks also carries its name, so that the transport itself keeps one from speaking as another.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of one line; of one gateway of it where it is named, of all of them otherwise."""

    site: str
    line: str
    gateway: str = "*"

    @property
    def ingest(self) -> str:
        """Requests that carry a gateway's records; the reply is a watermark."""
        return f"{self._line}.ingest.{self.gateway}"

    @property
    def live(self) -> str:
        """What just happened, for the live board; losing one is harmless. Followed by the record's kind."""
        return f"{self._line}.live.{self.gateway}"

    @property
    def release(self) -> str:
        """Requests for the bundles that the line's gateways should run."""
        return f"{self._line}.release"

    @property
    def responses(self) -> str:
        """Requests for what people answered to a gateway's alerts."""
        return f"{self._line}.responses.{self.gateway}"

    @property
    def measured(self) -> str:
        """Requests for what was measured of parts."""
        return f"{self._line}.measured.{self.gateway}"

    @property
    def control(self) -> str:
        """Responses and commands from the plant to the line's gateways."""
        return f"{self._line}.control"

    @property
    def rotation(self) -> str:
        """Requests of a gateway to be known by another key."""
        return f"{self._line}.rotation.{self.gateway}"

    @property
    def configuration(self) -> str:
        """Requests for the configuration that a gateway should run, and what came of it."""
        return f"{self._line}.configuration.{self.gateway}"

    @property
    def inbox(self) -> str:
        """Where the answers to a gateway's requests come; nobody else may listen there."""
        return inbox(self.gateway)

    @property
    def may_publish(self) -> tuple[str, ...]:
        """Everything that a gateway may send or ask; the transport refuses the rest."""
        asked = (self.release, self.responses, self.measured, self.rotation, self.configuration)
        return (self.ingest, f"{self.live}.>", *asked)

    @property
    def may_hear(self) -> tuple[str, ...]:
        """Everything that a gateway may listen to; the transport refuses the rest."""
        return (self.control, f"{self.inbox}.>")

    @property
    def _line(self) -> str:
        return f"lineside.{self.site}.{self.line}"


def enrolment(site: str, number: str) -> str:
    """Return the subject on which a device asks to be enrolled with the token of that number (``*``: with any)."""
    return f"lineside.{site}.enrolment.{number}"


def inbox(name: str) -> str:
    """Return the prefix of a party's own inboxes."""
    return f"_INBOX_{name}"
