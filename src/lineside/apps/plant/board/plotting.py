"""What a page tells the script of long plots: where the data is, what is looked at first, and the words to say."""

from __future__ import annotations

import json
from urllib.parse import quote

from markupsafe import Markup

from lineside.apps.web.language import tr
from lineside.apps.web.words import unit_name

_MILLISECOND = 1_000_000


def plot_attributes(
    place: tuple[str, str],
    name: tuple[str, str],
    span: tuple[int, int],
    zone: str,
    limits: tuple[float, float] | None = None,
) -> Markup:
    """Return the attributes of a figure that `plot.js` brings to life.

    Args:
        place: the station's id, and the quantity (``signal:`` or ``feature:`` and a name).
        name: what the quantity is called, and its unit.
        span: what is shown at first, from and to, UTC ns.
        zone: the plant's time zone.
        limits: the lower and upper line to draw.
    """
    station, quantity = place
    given = {
        "": f"/stations/{quote(station, safe='')}/plot.bin?quantity={quote(quantity, safe='')}",
        "-from": span[0] // _MILLISECOND,
        "-to": -(-span[1] // _MILLISECOND) + 1,
        "-zone": zone,
        "-name": name[0],
        "-unit": unit_name(name[1]),
        "-says": json.dumps(_words(), ensure_ascii=False),
    }
    if limits is not None:
        given |= {"-low": limits[0], "-high": limits[1]}
    return Markup(" ").join(Markup('data-plot{}="{}"').format(key, value) for key, value in given.items())


def _words() -> dict[str, str]:
    """Return what the script says by itself, in the spoken language."""
    return {
        "shown": tr("{from} to {to}: {low} to {high}, {n} values"),
        "nothing": tr("{from} to {to}: no value"),
        "keys": tr("Plot. Arrow keys move in time, plus and minus zoom, Home shows it as at first."),
    }
