"""Files that come with the pages: styles, scripts, marks. A fixed list, so that no path can lead elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import Response

HERE: Final = Path(__file__).parent
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


def page_files(*folders: Path) -> dict[str, tuple[bytes, str]]:
    """Return the shared files and those of more folders by name, each with its media type."""
    return {
        path.name: (path.read_bytes(), _TYPES[path.suffix])
        for folder in (HERE / "static", *folders)
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }


def file_response(files: dict[str, tuple[bytes, str]], name: str) -> Response | None:
    """Return the answer with one of the files, None where there is none of that name."""
    found = files.get(name)
    return None if found is None else Response(found[0], media_type=found[1])
