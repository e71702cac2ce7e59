"""Where the demo's own things lie, below the data directory beside those of gateway and plant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The paths of the demo below a data directory; naming one creates nothing."""

    root: Path

    @property
    def home(self) -> Path:
        """The folder of everything below."""
        return self.root / "demo"

    @property
    def plan(self) -> Path:
        """The control plan, with the addresses of this machine."""
        return self.home / "plan.yaml"

    @property
    def checkpoint(self) -> Path:
        """Where the simulated line stands."""
        return self.home / "checkpoint.json"

    @property
    def settings(self) -> Path:
        """What the cell's process is told."""
        return self.home / "cell.json"

    @property
    def prepared(self) -> Path:
        """Says, once it exists, what was generated and learned at the first start."""
        return self.home / "prepared.json"

    @property
    def inspection(self) -> Path:
        """The outbox of the inspection."""
        return self.home / "inspection.db"

    @property
    def broker(self) -> Path:
        """The folder of the machine side's broker."""
        return self.home / "broker"
