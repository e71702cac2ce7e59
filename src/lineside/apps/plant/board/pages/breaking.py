"""The demo's panel: break something, see what was broken and when, and what follows."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.settings import Demo


async def panel(call: Call) -> Response:
    """Show what can be broken, and what is."""
    _demo(call)
    opened = call.board.floor.open_alerts(call.board.now())
    return page(call.board, call.who, "demo.html", broken=call.board.broken, opened=opened)


async def change(call: Call) -> Response:
    """Break something, or mend it."""
    board = call.board
    fault = next((item for item in _demo(call).faults if item.id == call.path("fault")), None)
    what = call.form.get("do", "")
    if fault is None or what not in {"start", "stop"}:
        raise HTTPException(404)
    await board.audit.append(f"fault_{what}", {"fault": fault.id, "by": call.visitor.account.signature})
    if what == "start":
        await fault.start()
        board.broken[fault.id] = board.now()
    else:
        await fault.stop()
        board.broken.pop(fault.id, None)
    return RedirectResponse("/demo", status_code=303)


def _demo(call: Call) -> Demo:
    if call.board.settings.demo is None:
        raise HTTPException(404)
    return call.board.settings.demo
