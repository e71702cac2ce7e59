"""The names under which processes find each other on the bus; every one carries site and line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of one line."""

    site: str
    line: str

    @property
    def ingest(self) -> str:
        """Requests that carry records; the reply is a watermark."""
        return f"lineside.{self.site}.{self.line}.ingest"

    @property
    def live(self) -> str:
        """What just happened, for the live board; losing one is harmless. Followed by the record's kind."""
        return f"lineside.{self.site}.{self.line}.live"

    @property
    def release(self) -> str:
        """Requests for the bundles that the line's gateways should run."""
        return f"lineside.{self.site}.{self.line}.release"

    @property
    def control(self) -> str:
        """Responses and commands from the plant to the line's gateways."""
        return f"lineside.{self.site}.{self.line}.control"
