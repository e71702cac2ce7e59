"""What a column's name gives away: an id, a unit, and what the column is for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Final

_SPOKEN: Final = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "µ": "u", "μ": "u", "°": "deg", "%": "pct", "Ø": "dia"}
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BRACKET: Final = re.compile(r"\s*[\[(<]\s*([^\[\]()<>]{1,12})\s*[\])>]\s*$")

UNITS: Final = {
    "degc": "degC",
    "c": "degC",
    "degf": "degF",
    "f": "degF",
    "k": "K",
    "bar": "bar",
    "mbar": "mbar",
    "hpa": "hPa",
    "pa": "Pa",
    "kpa": "kPa",
    "mpa": "MPa",
    "psi": "psi",
    "mm": "mm",
    "cm": "cm",
    "m": "m",
    "um": "um",
    "mm_s": "mm/s",
    "m_s": "m/s",
    "s": "s",
    "sec": "s",
    "ms": "ms",
    "min": "min",
    "h": "h",
    "a": "A",
    "ma": "mA",
    "v": "V",
    "mv": "mV",
    "w": "W",
    "kw": "kW",
    "kwh": "kWh",
    "n": "N",
    "kn": "kN",
    "nm": "Nm",
    "rpm": "rpm",
    "1_min": "rpm",
    "hz": "Hz",
    "khz": "kHz",
    "pct": "%",
    "percent": "%",
    "kg": "kg",
    "g": "g",
    "l_min": "l/min",
    "lpm": "l/min",
    "m3_h": "m3/h",
    "cm3": "cm3",
    "ccm": "cm3",
    "db": "dB",
    "ppm": "ppm",
}
"""Units as they are written at the end of a name, by their slug."""
SURE_SUFFIX: Final = 2
"""A unit behind an underscore counts from this many letters on; a single letter may be anything."""

QUANTITIES: Final = (
    (("humidity", "feuchte", "rh"), "%"),
    (("temp", "temperature", "temperatur", "thermocouple", "temps"), "degC"),
    (("pressure", "druck", "vacuum", "vakuum"), "bar"),
    (("current", "strom"), "A"),
    (("voltage", "spannung", "volt"), "V"),
    (("torque", "drehmoment"), "Nm"),
    (("force", "kraft"), "kN"),
    (("power", "leistung"), "kW"),
    (("flow", "durchfluss"), "l/min"),
    (("rpm", "drehzahl"), "rpm"),
    (("frequency", "frequenz"), "Hz"),
    (("velocity", "geschwindigkeit", "speed"), "m/s"),
    (("accelerometer", "acceleration", "vibration", "beschleunigung"), "g"),
    (("position", "stroke", "displacement", "thickness", "length", "diameter", "weg", "hub"), "mm"),
    (("weight", "mass", "gewicht"), "g"),
    (("volume", "volumen"), "cm3"),
    (("time", "duration", "zeit", "dauer"), "s"),
)
"""Words in a name, and the unit that such a quantity mostly has."""
ASIDE: Final = frozenset(
    [
        "at",
        "of",
        "during",
        "in",
        "after",
        "before",
        "peak",
        "mean",
        "max",
        "min",
        "avg",
        "value",
        "actual",
        "set",
        "rms",
    ]
)
"""Words behind which a name says something else: 'torque peak current cycle' is a torque."""

ENVIRONMENT: Final = frozenset(
    ["ambient", "hall", "room", "outside", "outdoor", "humidity", "weather", "feuchte", "umgebung", "halle", "dew"]
)
CONTEXT: Final = frozenset(
    [
        *("tool", "cavity", "variant", "program", "recipe", "lot", "batch", "mould", "mold", "die", "nest", "charge"),
        *(
            "material",
            "operator",
            "order",
            "product",
            "part",
            "type",
            "shift",
            "station",
            "machine",
            "line",
            "supplier",
        ),
    ]
)
TRIGGER: Final = frozenset(["trigger", "running", "cycle", "active", "run", "start", "busy", "takt", "on"])
SERIAL: Final = frozenset(
    ["serial", "sn", "id", "uid", "uuid", "dmc", "barcode", "seriennummer", "snr", "partid", "unit", "unitid"]
)
COUNTER: Final = frozenset(
    ["counter", "count", "shot", "cycle", "nr", "no", "number", "index", "zaehler", "seq", "sequence", "row", "part"]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnName:
    """What a column's name gives away; ``sure`` says that the unit is written in it, not only likely."""

    column: str
    label: str
    words: tuple[str, ...]
    unit: str
    sure: bool


def read_name(column: str) -> ColumnName:
    """Return what a column's name gives away."""
    label, unit = _written_unit(column)
    words = tuple(part for part in slug(label).split("_") if part)
    if unit:
        return ColumnName(column=column, label=label, words=words, unit=unit, sure=True)
    return ColumnName(column=column, label=label, words=words, unit=_likely_unit(words), sure=False)


def slug(text: str) -> str:
    """Return a text as lower-case ASCII words joined by '_', possibly empty."""
    spoken = "".join(_SPOKEN.get(char, char) for char in _HUMP.sub("_", text))
    ascii_text = unicodedata.normalize("NFKD", spoken).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")


def new_id(text: str, taken: Collection[str], fallback: str = "s") -> str:
    """Return an id for a text that is not taken: its slug, begun by a letter, numbered where needed."""
    base = slug(text) or fallback
    if not base[0].isalpha():
        base = f"{fallback}_{base}"
    base = base[:56].rstrip("_")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _likely_unit(words: Sequence[str]) -> str:
    """Return the unit of the quantity that a name speaks of: the last one before it turns aside, or else the last."""
    heads = list(dropwhile(ASIDE.__contains__, words))
    before = list(takewhile(lambda word: word not in ASIDE, heads))
    for part in (before, heads):
        found = [unit for word in part for names, unit in QUANTITIES if word in names]
        if found:
            return found[-1]
    return ""


def _written_unit(column: str) -> tuple[str, str]:
    """Return the name without its unit, and the unit that is written in it: in brackets, or behind the last '_'."""
    match = _BRACKET.search(column)
    if match is not None and column[: match.start()].strip():
        return column[: match.start()].strip(), UNITS.get(slug(match[1]), match[1].strip())
    head, _, tail = column.rpartition("_")
    if head and len(tail) >= SURE_SUFFIX and tail.lower() in UNITS:
        return head, UNITS[tail.lower()]
    return column, ""
