"""A part in a network namespace of its own, behind a link that loses packets or carries them one way. Needs root.

Packets are lost below TCP, as by a bad cable or a firewall, so that both ends see what they would see in a plant.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_TOOLS = ("ip", "nft")


def missing() -> str:
    """Return what is missing to use namespaces; empty where nothing is."""
    if os.geteuid() != 0:
        return "root is needed to make network namespaces"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    return f"not installed: {', '.join(absent)} (Debian: iproute2, nftables)" if absent else ""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace that reaches us at ``near``; run a command in it behind `prefix`."""

    name: str
    near: str

    @property
    def prefix(self) -> list[str]:
        """What goes before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]

    def lose(self, percent: int, *, arriving: bool = True, leaving: bool = True) -> None:
        """Lose so many of a hundred packets, from now on, of those that arrive or leave there."""
        self.mend()
        chosen = "" if percent >= 100 else f"numgen random mod 100 < {percent} "
        rules = "add table inet faults; "
        for hook, wanted in (("input", arriving), ("output", leaving)):
            if wanted:
                rules += f"add chain inet faults {hook} {{ type filter hook {hook} priority 0; }}; "
                rules += f"add rule inet faults {hook} {chosen}drop; "
        self._nft(rules)

    def mend(self) -> None:
        """Carry every packet again."""
        self._nft("add table inet faults; delete table inet faults")

    def _nft(self, rules: str) -> None:
        subprocess.run([*self.prefix, "nft", rules], check=True, capture_output=True)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Give a namespace with one link to this one; both are removed afterwards."""
    short = uuid.uuid4().hex[:6]
    name, near, far = f"lineside-{short}", f"ls{short}a", f"ls{short}b"
    net = f"10.203.{int(short[:2], 16)}"
    steps = (
        ["ip", "netns", "add", name],
        ["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name],
        ["ip", "address", "add", f"{net}.1/30", "dev", near],
        ["ip", "link", "set", near, "up"],
        ["ip", "-n", name, "address", "add", f"{net}.2/30", "dev", far],
        ["ip", "-n", name, "link", "set", far, "up"],
        ["ip", "-n", name, "link", "set", "lo", "up"],
    )
    try:
        for step in steps:
            subprocess.run(step, check=True, capture_output=True)
        yield Namespace(name=name, near=f"{net}.1")
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", near], capture_output=True, check=False)
