"""Files that come with the board: styles, script, marks, and the local authority's certificate."""

from __future__ import annotations

import json
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import HERE, page
from lineside.apps.plant.board.wording import CONDITIONS
from lineside.apps.plant.floor.views import Condition
from lineside.apps.web.armour import SHARED
from lineside.apps.web.files import file_response, page_files
from lineside.apps.web.language import LANGUAGES, language, speaking, tr, word

_COMPONENT: Final = "lineside-alerts.js"
"""The one file that pages of other systems load."""
_MANIFEST: Final = "lineside.webmanifest"
_DESCRIPTION: Final = word("What will go wrong at the line, and what to do first.")


def _files() -> dict[str, tuple[bytes, str]]:
    """Return the files; the component's script has its words in every language put in from the catalogues."""
    words = {}
    for code in LANGUAGES:
        with speaking(code):
            said = {condition.value: CONDITIONS[condition] for condition in Condition}
            words[code] = {**said, "lost": tr("Connection lost. What you see is old.")}
    files = page_files(HERE / "static")
    script, media = files[_COMPONENT]
    files[_COMPONENT] = (script.replace(b"const WORDS = {};", f"const WORDS = {json.dumps(words)};".encode()), media)
    return files


_FILES: Final = _files()


async def static(call: Call) -> Response:
    """Return one of the board's files."""
    found = file_response(_FILES, call.path("name"))
    if found is None:
        raise HTTPException(404)
    if call.path("name") == _COMPONENT:
        found.headers[SHARED] = "yes"
    return found


async def manifest(call: Call) -> Response:
    """Return what an installed board is called and looks like, described in the language of its place."""
    del call
    content = json.loads(_FILES[_MANIFEST][0])
    said = {**content, "description": tr(_DESCRIPTION), "lang": language()}
    return Response(json.dumps(said), media_type=_FILES[_MANIFEST][1])


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
