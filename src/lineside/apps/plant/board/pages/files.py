"""Files that come with the board: styles, script, marks, and the local authority's certificate."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import HERE, page
from lineside.apps.web.armour import SHARED
from lineside.apps.web.files import file_response, page_files

_COMPONENT: Final = "lineside-alerts.js"
"""The one file that pages of other systems load."""
_FILES: Final = page_files(HERE / "static")


async def static(call: Call) -> Response:
    """Return one of the board's files."""
    found = file_response(_FILES, call.path("name"))
    if found is None:
        raise HTTPException(404)
    if call.path("name") == _COMPONENT:
        found.headers[SHARED] = "yes"
    return found


async def plan_file(call: Call) -> Response:
    """Return a picture or document that the plan names; any other name leads nowhere."""
    found = call.board.settings.plan_files.files.get(call.path("file"))
    if found is None:
        raise HTTPException(404)
    return Response(found.content, media_type=found.media_type, headers={"Content-Disposition": "inline"})


async def worker(call: Call) -> Response:
    """Return the script that keeps pages for when there is no connection; its place says that it is for all of them."""
    del call
    found = file_response(_FILES, "worker.js")
    assert found is not None
    return found


async def offline(call: Call) -> Response:
    """Say that a page was not kept; browsers keep this one for when there is no connection."""
    return page(call.board, None, "offline.html")


async def authority(call: Call) -> Response:
    """Return the local authority's certificate, for tablets to trust; it holds no secret."""
    certificate = call.board.settings.authority
    if certificate is None:
        raise HTTPException(404)
    headers = {"Content-Disposition": 'attachment; filename="lineside-authority.crt"'}
    return Response(certificate, media_type="application/x-x509-ca-cert", headers=headers)
