"""Observations on their way to the gate: most are plain numbers, and go together; the others one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lineside.adapters.mtconnect.documents import Observation
from lineside.adapters.mtconnect.items import UNAVAILABLE, Wanted, values_of
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import read_time
from lineside.domain.intake.troubles import Troubles
from lineside.domain.intake.values import read_number_column
from lineside.domain.readings import BAD_NO_COMMUNICATION
from lineside.domain.units import SECOND

Plain = tuple[Wanted, int, str]
"""A signal, its source time (UTC ns) and the text of its number."""


class Offering:
    """Offers the observations of one agent."""

    def __init__(self, gate: Gate, troubles: Troubles) -> None:
        self._gate = gate
        self._troubles = troubles

    def take(self, observations: Iterable[Observation], wanted: Mapping[str, Sequence[Wanted]], now: int) -> None:
        """Offer observations, by their sequence, to the signals that want their data items."""
        moments: dict[str, int | Refusal] = {}  # what an adapter says at once has one time stamp
        plain: list[Plain] = []
        for observation in observations:
            stamp = observation.timestamp
            for one in wanted.get(observation.item, ()):
                moment = moments.get(stamp)
                if moment is None:
                    moment = moments[stamp] = read_time(stamp, now=now)
                if isinstance(moment, int) and _is_plain(one, observation):
                    plain.append((one, moment, observation.value))
                else:
                    self._offer(one, observation, moment, now)
        if plain:
            self._offer_numbers(plain, now)

    def _offer_numbers(self, plain: list[Plain], now: int) -> None:
        values, _ = read_number_column([text.encode() for _, _, text in plain])
        good = np.flatnonzero(~np.isnan(values))
        codes = np.array([wanted.rule.code for wanted, _, _ in plain], dtype=np.int32)
        times = np.array([moment for _, moment, _ in plain], dtype=np.int64)
        self._gate.offer_columns(
            codes[good], times[good], values[good], received=now, raw=lambda row: plain[good[row]][2].encode()
        )
        for row in np.flatnonzero(np.isnan(values)).tolist():
            wanted, moment, text = plain[row]
            self._gate.offer(wanted.rule.id, moment, text, received=now)

    def _offer(self, wanted: Wanted, observation: Observation, moment: int | Refusal, now: int) -> None:
        signal = wanted.rule.id
        if observation.composite:
            refusal = refuse(Reason.NESTED_VALUE, hint="Data sets and tables are not taken.")
            self._troubles.note(f"composite {signal}", refusal, now=now, signal=signal, raw=observation.raw)
            return
        if observation.value == UNAVAILABLE:
            self._gate.offer(signal, moment, None, received=now, status=BAD_NO_COMMUNICATION)
            return
        values = values_of(wanted, observation)
        for behind, value in zip(range(len(values) - 1, -1, -1), values, strict=True):
            at = moment
            if behind and not isinstance(moment, Refusal):
                at = moment - round(behind * SECOND / observation.series)
            self._gate.offer(signal, at, value, received=now)


def _is_plain(wanted: Wanted, observation: Observation) -> bool:
    """Say whether an observation is a number for a signal that takes numbers, and nothing else."""
    special = wanted.state or wanted.rule.text or observation.condition or observation.composite or observation.series
    return not special and observation.value != UNAVAILABLE
