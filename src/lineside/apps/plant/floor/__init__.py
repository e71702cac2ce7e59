"""What the board shows, kept in memory: fed from the bus and from history, asked by pages and interface.

Theory of operation: `Floor` is a read model without files, sockets or clock. Records go in by ``apply_*`` in any
order and any number of times; what is asked takes the time ``now`` (UTC ns) where an answer depends on it. Memory is
bounded. An alert's condition events stay *withheld* until somebody has said by `Floor.reveal` that the audit
record holds them; no question is ever answered from a withheld event.
"""

from lineside.apps.plant.floor.floor import Change, Floor
from lineside.apps.plant.floor.views import LinkStatus

__all__ = ["Change", "Floor", "LinkStatus"]
