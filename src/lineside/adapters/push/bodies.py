"""What a posted body holds: JSON messages by path, or lines of CSV with a header; all through the gate."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from lineside.domain.errors import PlanError
from lineside.domain.intake.gate import Gate, SignalRule
from lineside.domain.intake.messages import LARGEST_MESSAGE, look_up, parse_path, read_json
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import Format, Zone, read_time

MOST_MESSAGES = 10_000
"""Messages or lines of one body."""
CSV = "text/csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Where the source time of a message is and how it is written; without a path it is the receive time."""

    column: str
    zone: Zone
    form: Format | None

    def moment(self, said: Any, now: int) -> int | Refusal:
        """Return a source time as it was said."""
        if isinstance(said, Refusal):
            return refuse(Reason.TIME_MISSING, hint=f"It is looked for at {self.column}.")
        return read_time(said, now=now, zone=self.zone, form=self.form)


class Bodies:
    """Reads the bodies of one source into its gate."""

    def __init__(self, gate: Gate, times: Times) -> None:
        self._gate = gate
        self._times = times
        self._rules = tuple(gate.rules.values())
        self._paths = tuple((rule, _path_of(rule)) for rule in self._rules)
        self._time_path = parse_path(times.column) if times.column.startswith("$") else None

    def read(self, body: bytes, media_type: str, now: int) -> Refusal | None:
        """Let everything of a body in; return why it cannot be read as a whole, which is then in the gate too."""
        refusal = self._read_csv(body, now) if media_type == CSV else self._read_json(body, now)
        if refusal is not None:
            self._gate.refuse(refusal, received=now, raw=body)
        return refusal

    def _read_json(self, body: bytes, now: int) -> Refusal | None:
        found = read_json(body)
        if isinstance(found, Refusal):
            return found
        messages = found if isinstance(found, list) else [found]
        if not messages or len(messages) > MOST_MESSAGES:
            return refuse(Reason.MALFORMED_ROW, hint=f"It holds {len(messages)} messages; 1 to {MOST_MESSAGES} may be.")
        for message in messages:
            self._message(message, body, now)
        return None

    def _message(self, message: Any, body: bytes, now: int) -> None:
        moment: int | Refusal = now
        if self._time_path is not None:
            moment = self._times.moment(look_up(message, self._time_path), now)
        known = 0
        for rule, path in self._paths:
            value = look_up(message, path)
            if not isinstance(value, Refusal):
                known += 1
                self._gate.offer(rule.id, moment, value, received=now, raw=body)
        if not known:
            self._gate.refuse(
                refuse(Reason.UNKNOWN_SIGNAL, hint="No signal of the plan is in it."), received=now, raw=body
            )

    def _read_csv(self, body: bytes, now: int) -> Refusal | None:
        if len(body) > LARGEST_MESSAGE:
            return refuse(Reason.MESSAGE_TOO_LARGE, hint=f"It has {len(body)} bytes.")
        try:
            rows = list(csv.reader(io.StringIO(body.removeprefix(b"\xef\xbb\xbf").decode()), strict=True))
        except UnicodeDecodeError:
            return refuse(Reason.ENCODING, body)
        except csv.Error as error:
            return refuse(Reason.MALFORMED_ROW, body, f"{error}.")
        if len(rows) < 2 or len(rows) > MOST_MESSAGES:
            return refuse(Reason.EMPTY, hint="A header and at least one line are needed.")
        columns = {name.strip(): place for place, name in enumerate(rows[0])}
        wanted = [(rule, columns[rule.address]) for rule in self._rules if rule.address in columns]
        if not wanted:
            return refuse(Reason.UNKNOWN_SIGNAL, ",".join(rows[0]), "No column is a signal of the plan.")
        for row in rows[1:]:
            self._row(row, wanted, columns, now)
        return None

    def _row(self, row: list[str], wanted: list[tuple[SignalRule, int]], columns: dict[str, int], now: int) -> None:
        raw = ",".join(row).encode()
        if len(row) != len(columns):
            self._gate.refuse(refuse(Reason.MALFORMED_ROW, hint=f"It has {len(row)} cells."), received=now, raw=raw)
            return
        moment: int | Refusal = now
        if self._times.column:
            place = columns.get(self._times.column)
            missing = refuse(Reason.TIME_MISSING)
            moment = self._times.moment(missing if place is None else row[place], now)
        for rule, place in wanted:
            if row[place].strip():
                self._gate.offer(rule.id, moment, row[place], received=now, raw=raw)


def _path_of(rule: SignalRule) -> tuple[str | int, ...]:
    """Return the path of a signal's address: a path, or the name of a field."""
    try:
        return parse_path(rule.address) if rule.address.startswith("$") else (rule.address,)
    except PlanError as error:
        field = f"signals.{rule.id}.address"
        raise PlanError(error.problem, field=field, value=error.value, next_step=error.next_step) from error
