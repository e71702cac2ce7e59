"""The tables of the state; times are UTC nanoseconds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata: Final = MetaData()

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("login", String(100), nullable=False, unique=True),
    Column("pseudonym", String(16), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password", String(300), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("language", String(8), nullable=False, server_default=""),
)
"""``login`` is the name as it is compared (case folded)."""

sessions: Final = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(32), ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)

devices: Final = Table(
    "devices",
    metadata,
    Column("device_hash", String(64), primary_key=True),
    Column("account_id", String(32), ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
)
"""Browsers that have logged into an account before; guessing elsewhere does not slow them down."""

codes: Final = Table(
    "codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("expires", BigInteger, nullable=False),
)

failures: Final = Table(
    "failures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("about", String(120), nullable=False),
    Column("time", BigInteger, nullable=False),
    Index("failures_about_time", "about", "time"),
)
"""Failed or unfinished logins, by what they are counted against: an account, an address, a device."""

settings: Final = Table(
    "settings",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

releases: Final = Table(
    "releases",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("station", String(64), nullable=False),
    Column("characteristic", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

gateways: Final = Table(
    "gateways",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("line", String(64), nullable=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("exchange", String(64), nullable=False),
    Column("enrolled", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=True),
)
"""Gateways and the public halves of their keys (hexadecimal); ``revoked`` is null while one may write."""

tokens: Final = Table(
    "enrolment_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("gateway", String(64), nullable=False),
    Column("site", String(64), nullable=False),
    Column("line", String(64), nullable=False),
    Column("public", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_by", String(64), nullable=False),
)
"""Enrolment tokens by the public half of their secret; ``used_by`` is the key of the gateway that used one."""

configurations: Final = Table(
    "configurations",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=True),
    Column("site", String(64), nullable=False),
    Column("line", String(64), nullable=False),
    Column("plan", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""Every plan that gateways were ever given; a version is never given to another."""

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("target", String(64), primary_key=True),
    Column("message", String(300), primary_key=True),
    Column("alert", String(300), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index("deliveries_due", "state", "due"),
)
"""Messages to targets; ``state`` is waiting, sent, folded (told in another), dead or dropped."""

leases: Final = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Who does what only one process may do, and until when."""

spent_links: Final = Table(
    "spent_links",
    metadata,
    Column("mark", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),
)
"""Answer links that have been used; forgotten once they would be over anyway."""

screens: Final = Table(
    "screens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("label", String(100), nullable=False),
    Column("stations", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=True),
)
"""Other systems' screens that may show some stations, by the hash of their token."""

placements: Final = Table(
    "configuration_placements",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
"""Which version each gateway shall run, which it says that it runs, and what came of the one that it shall."""

release_events: Final = Table(
    "release_events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("release", String(100), nullable=False),
    Column("place", String(130), nullable=False),
    Column("step", String(16), nullable=False),
    Column("actor", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
"""What happened to releases, numbered without a gap: who adds says how many there were, and decides on no old news."""
