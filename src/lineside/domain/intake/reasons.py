"""Why an input is refused: short stable codes, each with its explanation.

The codes are part of the record: they are stored beside the raw bytes and counted on the board. A code is never
renamed and never used for anything else; a new reason gets a new code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lineside.domain.said import say


class Reason(StrEnum):
    """The stable code of a refusal."""

    UNKNOWN_SIGNAL = "unknown_signal"
    BAD_NAME = "bad_name"
    MISSING_FIELD = "missing_field"
    NULL = "null"
    BOOLEAN = "boolean"
    NESTED_VALUE = "nested_value"
    NOT_A_NUMBER = "not_a_number"
    DECIMAL_SEPARATOR = "decimal_separator"
    NOT_FINITE = "not_finite"
    TOO_LARGE = "too_large"
    TEXT_TOO_LONG = "text_too_long"
    CONTROL_CHARACTERS = "control_characters"
    UNKNOWN_QUALITY = "unknown_quality"
    TIME_MISSING = "time_missing"
    TIME_UNREADABLE = "time_unreadable"
    TIME_IMPLAUSIBLE = "time_implausible"
    TIME_AHEAD = "time_ahead"
    CLOCK_AHEAD = "clock_ahead"
    TIME_AMBIGUOUS = "time_ambiguous"
    TIME_NONEXISTENT = "time_nonexistent"
    CONFLICTING = "conflicting"
    OVERFLOW = "overflow"
    EMPTY = "empty"
    ENCODING = "encoding"
    MESSAGE_TOO_LARGE = "message_too_large"
    MALFORMED_JSON = "malformed_json"
    DUPLICATE_KEY = "duplicate_key"
    TOO_DEEP = "too_deep"
    MALFORMED_ROW = "malformed_row"
    LINE_TOO_LONG = "line_too_long"
    UNREADABLE_FILE = "unreadable_file"
    FILE_UNAVAILABLE = "file_unavailable"
    WITHDRAWN = "withdrawn"
    SPECIFICATION_DIFFERS = "specification_differs"
    SOURCE_UNREACHABLE = "source_unreachable"
    UNKNOWN_NODE = "unknown_node"
    LOST_AT_SOURCE = "lost_at_source"
    CONNECTION_LOST = "connection_lost"
    CLOCK_DIFFERS = "clock_differs"
    NO_ANSWER = "no_answer"
    BAD_FRAME = "bad_frame"
    MACHINE_EXCEPTION = "machine_exception"
    POLL_LATE = "poll_late"
    WORD_ORDER = "word_order"
    UNIT_DIFFERS = "unit_differs"
    MALFORMED_XML = "malformed_xml"
    MALFORMED_PROTOBUF = "malformed_protobuf"
    BIRTH_AWAITED = "birth_awaited"
    UNKNOWN_ALIAS = "unknown_alias"
    DUPLICATE_ALIAS = "duplicate_alias"
    TYPE_CHANGED = "type_changed"
    STALE_DEATH = "stale_death"


EXPLANATIONS: Final[dict[Reason, str]] = {
    Reason.UNKNOWN_SIGNAL: say("The plan has no signal with this address at this source."),
    Reason.BAD_NAME: say("A name is empty, too long, or has wildcards or characters that cannot be shown."),
    Reason.MISSING_FIELD: say("The message does not have the field that the signal's address names."),
    Reason.NULL: say("There is no value, although the status says that it is good."),
    Reason.BOOLEAN: say("True or false for a signal that is not a trigger or context signal."),
    Reason.NESTED_VALUE: say("A list or an object where a single value must stand."),
    Reason.NOT_A_NUMBER: say("The value of a number signal does not read as a decimal number."),
    Reason.DECIMAL_SEPARATOR: say("The number has another decimal separator than the source declares."),
    Reason.NOT_FINITE: say("Not-a-number or infinity, although the status says that it is good."),
    Reason.TOO_LARGE: say("The number is beyond 1e30 in size: a placeholder or garbage, not a measurement."),
    Reason.TEXT_TOO_LONG: say("The text is longer than 256 characters."),
    Reason.CONTROL_CHARACTERS: say("The text holds characters that cannot be shown (control, direction, zero width)."),
    Reason.UNKNOWN_QUALITY: say("The quality is not one of good, uncertain and bad."),
    Reason.TIME_MISSING: say("The source time is missing."),
    Reason.TIME_UNREADABLE: say("The source time is not ISO 8601, an epoch number or of the declared format."),
    Reason.TIME_IMPLAUSIBLE: say("The source time lies before the year 2000 or after 2200."),
    Reason.TIME_AHEAD: say("The source time is more than five minutes ahead of the gateway's clock."),
    Reason.CLOCK_AHEAD: say("The source's clock is steadily ahead by more than five minutes: its times are set back."),
    Reason.TIME_AMBIGUOUS: say("A local time without zone in the hour that the clocks go through twice."),
    Reason.TIME_NONEXISTENT: say("A local time without zone in the hour that the clocks skip."),
    Reason.CONFLICTING: say("The same signal and source time came before with another value."),
    Reason.OVERFLOW: say("The intake buffer was full and the source cannot be made to wait."),
    Reason.EMPTY: say("The message is empty."),
    Reason.ENCODING: say("The bytes are not text in the encoding of the source (UTF-8 where none is known)."),
    Reason.MESSAGE_TOO_LARGE: say(
        "The message is larger than is taken: 256 KiB, 4 MiB of Sparkplug B, 8 MiB over HTTP."
    ),
    Reason.MALFORMED_JSON: say("The message is not exactly one JSON value."),
    Reason.DUPLICATE_KEY: say("An object of the message has a key twice."),
    Reason.TOO_DEEP: say("The message is nested deeper than 64 levels."),
    Reason.MALFORMED_ROW: say("The row has another number of cells than the table, or quotes that do not fit."),
    Reason.LINE_TOO_LONG: say("The row is longer than 1 MiB."),
    Reason.UNREADABLE_FILE: say("The file cannot be read as what its name says."),
    Reason.FILE_UNAVAILABLE: say("The file cannot be read now; it is tried again, later each time."),
    Reason.WITHDRAWN: say("The source itself marks the value as deleted."),
    Reason.SPECIFICATION_DIFFERS: say(
        "The source states other limits or units than the plan; those of the plan are used."
    ),
    Reason.SOURCE_UNREACHABLE: say("The folder or its server does not answer; it is asked again until it does."),
    Reason.UNKNOWN_NODE: say("The server has no node of this id, or refuses to watch it."),
    Reason.LOST_AT_SOURCE: say(
        "A queue of the machine overflowed or its message was lost: earlier readings are missing."
    ),
    Reason.CLOCK_DIFFERS: say(
        "The machine's clock and the gateway's differ: source times are not those of other sources."
    ),
    Reason.CONNECTION_LOST: say("The connection was lost: readings of the time without it may be missing."),
    Reason.NO_ANSWER: say("The machine did not answer in time."),
    Reason.BAD_FRAME: say("The answer is cut short, of another request, or not of the protocol's form."),
    Reason.MACHINE_EXCEPTION: say("The machine answered that it cannot give the value."),
    Reason.POLL_LATE: say(
        "The machine was asked less often than the plan says: it, or the gateway, did not keep pace."
    ),
    Reason.UNIT_DIFFERS: say("The machine names another unit than the plan; its values are kept as they come."),
    Reason.MALFORMED_XML: say("The answer is no document of the protocol."),
    Reason.WORD_ORDER: say(
        "The values are implausible as the plan reads them, and plausible in another order or place."
    ),
    Reason.MALFORMED_PROTOBUF: say("The message is not a payload of Sparkplug B; it may be cut off."),
    Reason.BIRTH_AWAITED: say("An edge node or device sends data before the birth that says what it means."),
    Reason.UNKNOWN_ALIAS: say("The birth of the edge node or device names no metric of this alias."),
    Reason.DUPLICATE_ALIAS: say("Two metrics of one edge node have the same alias."),
    Reason.TYPE_CHANGED: say("A birth gives a metric another data type than the birth before."),
    Reason.STALE_DEATH: say("The death of an earlier session of an edge node, which lives on in a newer one."),
}
"""What each code means, for people."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The outcome of a rule that does not accept a value: why, and a sentence with what was found.

    ``moment`` is a source time that was read and lies too far ahead, UTC ns.
    """

    reason: Reason
    detail: str
    moment: int | None = field(default=None, kw_only=True)


def refuse(reason: Reason, found: object = None, hint: str = "") -> Refusal:
    """Return the refusal for a reason: its explanation, what was found (short, in ASCII) and what would help."""
    detail = EXPLANATIONS[reason]
    if found is not None:
        detail += f" Found {shown(found)}."
    return Refusal(reason, f"{detail} {hint}".rstrip())


def shown(found: object, most: int = 60) -> str:
    """Return a value in ASCII, escaped and short, safe in a log line."""
    if isinstance(found, int) and not isinstance(found, bool) and found.bit_length() > 512:
        return f"an integer of {found.bit_length()} bits"
    if isinstance(found, str | bytes):
        text = ascii(found[:most])
        return text if len(found) <= most else f"{text}... ({len(found)} long)"
    if isinstance(found, list | dict | tuple):
        return f"a {type(found).__name__} of {len(found)}"
    text = ascii(found)
    return text if len(text) <= most else f"{text[:most]}..."
