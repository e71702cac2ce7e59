"""Which models have judged, and how often they said what."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from lineside.apps.plant.floor.views import ModelView, finite
from lineside.domain.predictions import JudgementState, Prediction

_MOST: Final = 200
_Key = tuple[str, str, str]


class ModelMemory:
    """Counts per model, station and characteristic since the start; the models longest silent give way."""

    def __init__(self) -> None:
        self._views: OrderedDict[_Key, ModelView] = OrderedDict()

    def add(self, prediction: Prediction) -> None:
        """Count a judgement."""
        key = prediction.model, prediction.station, prediction.characteristic
        known = self._views.get(key) or _new(prediction)
        self._views[key] = replace(
            known,
            judged=known.judged + 1,
            alarms=known.alarms + (prediction.state is JudgementState.ALARM),
            outside=known.outside + (prediction.state is JudgementState.OUTSIDE_EXPERIENCE),
            last_judged=max(known.last_judged, prediction.judged),
            limit=finite(prediction.limit),
        )
        self._views.move_to_end(key)
        if len(self._views) > _MOST:
            self._views.popitem(last=False)

    def views(self) -> tuple[ModelView, ...]:
        """Return every model, that which judged last first."""
        return tuple(sorted(self._views.values(), key=lambda view: (-view.last_judged, view.id, view.characteristic)))


def _new(prediction: Prediction) -> ModelView:
    return ModelView(
        id=prediction.model,
        station=prediction.station,
        characteristic=prediction.characteristic,
        plan=prediction.plan,
        judged=0,
        alarms=0,
        outside=0,
        last_judged=0,
        limit=finite(prediction.limit),
    )
