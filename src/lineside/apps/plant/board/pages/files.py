"""Files that come with the board: styles, script, marks. A fixed list, so that no path can lead elsewhere."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import HERE

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in sorted((HERE / "static").iterdir())
    if path.suffix in _TYPES
}


async def static(call: Call) -> Response:
    """Return one of the board's files."""
    found = _FILES.get(call.path("name"))
    if found is None:
        raise HTTPException(404)
    body, media_type = found
    return Response(body, media_type=media_type)


async def authority(call: Call) -> Response:
    """Return the local authority's certificate, for tablets to trust; it holds no secret."""
    certificate = call.board.settings.authority
    if certificate is None:
        raise HTTPException(404)
    headers = {"Content-Disposition": 'attachment; filename="lineside-authority.crt"'}
    return Response(certificate, media_type="application/x-x509-ca-cert", headers=headers)
