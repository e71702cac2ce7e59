"""Where things lie below a data directory: one map for every process and command.

::

    DATA/
      gateway/outbox.db   what the gateway has accepted        gateway/audit.db   its audit chain
      gateway/status.sock the running gateway's own word       gateway/models/    the models that it runs
      plant/landing.db    what has arrived at the plant        plant/audit.db     its audit chain
      plant/history/      the long memory, a folder per table
      plant/state.db      users, releases, settings            plant/bundles/     models in every stage
      plant/state.url     the database in which these are instead
      plant/jobs/         trainings that were asked for
      keys/               secrets, readable by the owner only
      notify.yaml         who is told of alerts, and where; secrets are only named in it
      nats/               the embedded transport: configuration, credentials, log
      gateway/configuration/   the signed configurations that it has taken
      gateway/identity/   who an enrolled gateway is: its keys, and whom it trusts
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one data directory; naming one creates nothing."""

    root: Path

    @property
    def outbox(self) -> Path:
        """The gateway's outbox."""
        return self.root / "gateway" / "outbox.db"

    @property
    def gateway_audit(self) -> Path:
        """The gateway's audit chain."""
        return self.root / "gateway" / "audit.db"

    @property
    def status_socket(self) -> Path:
        """Where the running gateway says how it does."""
        return self.root / "gateway" / "status.sock"

    @property
    def models(self) -> Path:
        """The folder of the models that the gateway runs, one per seat."""
        return self.root / "gateway" / "models"

    @property
    def landing(self) -> Path:
        """The plant's landing table."""
        return self.root / "plant" / "landing.db"

    @property
    def plant_audit(self) -> Path:
        """The plant's audit chain."""
        return self.root / "plant" / "audit.db"

    @property
    def history(self) -> Path:
        """The folder of the history's tables."""
        return self.root / "plant" / "history"

    @property
    def corrected(self) -> Path:
        """How far late readings have been taken into the history."""
        return self.root / "plant" / "corrected.json"

    @property
    def notify_file(self) -> Path:
        """The administrator's file of who is told what."""
        return self.root / "notify.yaml"

    @property
    def state(self) -> Path:
        """The plant's small state, where it is in a file."""
        return self.root / "plant" / "state.db"

    @property
    def state_address(self) -> Path:
        """The address of the plant's small state, where it is in a database."""
        return self.root / "plant" / "state.url"

    @property
    def jobs(self) -> Path:
        """The folder of trainings that were asked for."""
        return self.root / "plant" / "jobs"

    @property
    def bundles(self) -> Path:
        """The folder of model bundles."""
        return self.root / "plant" / "bundles"

    @property
    def keys(self) -> Path:
        """The folder of secrets."""
        return self.root / "keys"

    @property
    def watermark_key(self) -> Path:
        """The key that the plant signs watermarks with and the gateway checks them by."""
        return self.keys / "watermark.key"

    @property
    def audit_key(self) -> Path:
        """The key that signs checkpoints of the audit chains."""
        return self.keys / "audit.key"

    @property
    def plant_key(self) -> Path:
        """The key (Ed25519 seed) with which the plant signs what it tells its gateways."""
        return self.keys / "plant.key"

    @property
    def exchange_key(self) -> Path:
        """The key (X25519) from which the plant derives the watermark key of each gateway."""
        return self.keys / "exchange.key"

    @property
    def identity(self) -> Path:
        """The folder of an enrolled gateway's keys."""
        return self.root / "gateway" / "identity"

    @property
    def configuration(self) -> Path:
        """The folder of the configurations that a gateway has taken from its plant."""
        return self.root / "gateway" / "configuration"

    @property
    def nats(self) -> Path:
        """The folder of the embedded transport."""
        return self.root / "nats"

    def create(self) -> None:
        """Make the folders, open to their owner alone; harmless where they exist."""
        self.root.mkdir(parents=True, exist_ok=True)
        folders = (self.outbox.parent, self.landing.parent, self.history, self.bundles, self.keys, self.nats)
        for folder in folders:
            folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
