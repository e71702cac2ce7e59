"""What a page tells the script of long plots: where the data is, what is looked at first, and the words to say."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from markupsafe import Markup

from lineside.apps.web.language import tr
from lineside.apps.web.words import unit_name

_MILLISECOND = 1_000_000


def plot_source(station: str, quantity: str) -> str:
    """Return where the points of a quantity (``signal:`` or ``feature:`` and a name) of a station come from."""
    return f"/stations/{quote(station, safe='')}/plot.bin?{urlencode({'quantity': quantity})}"


def chart_source(station: str, feature: str, kind: str, name: str) -> str:
    """Return where the points of one control chart come from: of a feature, a kind of charts, and its own name."""
    asked = urlencode({"feature": feature, "chart": kind, "name": name})
    return f"/stations/{quote(station, safe='')}/charts.bin?{asked}"


def plot_attributes(
    source: str,
    name: tuple[str, str],
    span: tuple[int, int],
    zone: str,
    limits: tuple[float, float] | None = None,
) -> Markup:
    """Return the attributes of a figure that `plot.js` brings to life.

    Args:
        source: where the points come from.
        name: what the quantity is called, and its unit.
        span: what is shown at first, from and to, UTC ns.
        zone: the plant's time zone.
        limits: the lower and upper line to draw.
    """
    given: dict[str, object] = {
        "": source,
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
