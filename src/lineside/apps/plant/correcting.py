"""The correction of history by late data, with the plant's own stores."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_stretches import HistoryStretches
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.apps.layout import Layout
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.reconciling import caught_up
from lineside.domain.alerts import AlertEvent
from lineside.domain.plan.model import Plan
from lineside.flows.correct import Corrector
from lineside.flows.submit import Follower, Submitter
from lineside.ports import AuditLog, Clock, History, Judge

WRITER = "correction"


def corrector_of(
    *,
    plan: Plan,
    layout: Layout,
    landing: SqliteLanding,
    history: History,
    floor: Floor,
    audit: AuditLog,
    clock: Clock,
    follow: Follower,
) -> Corrector:
    """Return what corrects the history of a line; it lands revisions under a writer of its own.

    Args:
        plan: the control plan.
        layout: where history, models and its own position are.
        landing: where revisions are landed.
        history: the history, to know how far it has come.
        floor: the line as it stands, to extend alerts that are open.
        audit: the plant's audit record.
        clock: the time of the line.
        follow: is handed each record that has landed.
    """
    folder = BundleFolder(layout.bundles)

    def judge_of(station: str, model: str, characteristic: str) -> Judge | None:
        known = folder.bundles(characteristic) if model else folder.active(station)
        bundles = [
            bundle
            for bundle in known
            if bundle.manifest.characteristic == characteristic and model in {"", bundle.name}
        ]
        return OnnxJudge(plan, station, bundles[:1]).open() if bundles else None

    def open_alerts(station: str) -> Iterable[AlertEvent]:
        return floor.open_conditions(station, WRITER)

    async def wait() -> None:
        await caught_up(history, (await landing.counts()).position)

    submitter = Submitter(
        landing=landing, writer=WRITER, epoch=secrets.token_hex(8), site=plan.site.id, line=plan.line.id, clock=clock,
        follow=follow,
    )  # fmt: skip
    return Corrector(
        plan=plan,
        past=HistoryStretches(layout.history, layout.corrected),
        caught_up=wait,
        judge_of=judge_of,
        open_alerts=open_alerts,
        submit=submitter.submit,
        audit=audit,
        clock=clock,
        writer=WRITER,
    )
