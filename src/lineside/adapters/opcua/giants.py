"""Nodes whose values are larger than a message may be: found one by one, and left out, so that the others flow.

Such a value ends the connection, and would end the next one at once, because a new subscription begins with the
present values. After a connection that ended so, or two in a row that ended before anything was published, each node is
read alone before anything is subscribed; the one at which the connection ends again is the giant. It is left out until
a connection is lost for another reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineside.adapters.opcua.options import TOO_LARGE

if TYPE_CHECKING:
    from lineside.adapters.opcua.connection import Connection


class Giants:
    """Keeps which signals of a source have values too large to be sent."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._passed: set[str] = set()
        self._looking = False
        self._mute = 0

    def lost(self, why: str, *, mute: bool) -> None:
        """Take note of why a connection was lost; ``mute``: before anything was published over it."""
        self._mute = self._mute + 1 if mute else 0
        if TOO_LARGE in why or self._mute > 1:
            self._looking = True
        elif not self._looking and not mute:
            self.found.clear()

    async def look(self, connection: Connection, nodes: Mapping[str, str]) -> None:
        """Read each node alone where the connection before ended by too large a message.

        Raises:
            ConnectionError: a giant was found, or the server does not answer.
        """
        if not self._looking:
            return
        for signal, node in nodes.items():
            if signal in self._passed | self.found:
                continue
            try:
                await connection.session.read([node])
            except ConnectionError as error:
                if TOO_LARGE in str(error):
                    self.found.add(signal)
                raise
            self._passed.add(signal)
        self._passed.clear()
        self._looking = False
