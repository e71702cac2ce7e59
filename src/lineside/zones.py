"""Time zones and time formats as the operating system and Python know them, for the pure rules that use them."""

from __future__ import annotations

from datetime import UTC as UTC_TIME
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineside.domain.errors import ConfigurationError
from lineside.domain.intake.times import UTC, Format, Zone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC_TIME)


def zone_named(name: str) -> Zone:
    """Return the zone of an IANA name.

    Raises:
        ConfigurationError: this machine knows no such zone.
    """
    if name.upper() in {"UTC", "Z", "ETC/UTC", "GMT"}:
        return UTC
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            "this machine knows no such time zone",
            field="time_zone",
            value=name,
            next_step="write an IANA name such as Europe/Berlin, or install the tzdata package",
        ) from error

    @lru_cache(maxsize=4096)
    def offset_at(seconds: int) -> int:
        offset = datetime.fromtimestamp(seconds, zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    return Zone(name, offset_at)


def format_of(pattern: str) -> Format | None:
    """Return the reader of a strptime format, or None where it is empty."""
    if not pattern:
        return None

    def read(text: str) -> int | None:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is the source's, put on by the caller
        except ValueError:
            return None
        since = moment.replace(tzinfo=moment.tzinfo or UTC_TIME) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

    return read
