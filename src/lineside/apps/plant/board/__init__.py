"""The board: what people see and answer, in a browser on the wall, on a tablet, at a desk; and its JSON interface.

A process runs it in three steps:

1. `create_app` makes the application out of a `Floor` (which the process feeds), the state, the audit record, and two
   awaitables: ``respond`` keeps a person's answer, ``shown`` puts an alert event into the audit record.
2. `first_run_code` (or `demo_login_code`) gives the secret of the address ``/first-run?code=...`` to print.
3. `serve_board` serves it until told to stop, with the limits that plain uvicorn lacks.
"""

from lineside.apps.plant.board.app import create_app
from lineside.apps.plant.board.doorkeeper import demo_login_code, first_run_code
from lineside.apps.plant.board.serving import TlsFiles, serve_board
from lineside.apps.plant.board.settings import BoardSettings, Demo, Fault
from lineside.apps.plant.board.traces import Trace, build_traces

__all__ = [
    "BoardSettings",
    "Demo",
    "Fault",
    "TlsFiles",
    "Trace",
    "build_traces",
    "create_app",
    "demo_login_code",
    "first_run_code",
    "serve_board",
]
