from __future__ import annotations

from lineside.apps.plant.witness import EVERY, Witness
from lineside.domain.audit import witnessed_marks
from lineside.testing.clocks import A_MOMENT
from lineside.testing.fakes.audit import FakeAudit
from lineside.wire.status import GatewayStatus, decode_status, encode_status


def a_status(audited: int) -> GatewayStatus:
    return GatewayStatus(
        gateway="gateway", time=A_MOMENT, sources=(), readings=0, parts=0, quarantined=0, dropped=0, late=0,
        backlog=0, unrecorded=False, audited=audited, audit_hash=f"hash{audited}",
    )  # fmt: skip


async def test_a_chain_that_has_grown_is_noted_once_a_minute() -> None:
    audit = FakeAudit()
    witness = Witness(audit)
    for moment, audited in ((0, 0), (1, 3), (2, 5), (EVERY + 1, 5), (3 * EVERY, 5)):
        await witness.hear(a_status(audited), A_MOMENT + moment)
    assert [(mark.sequence, mark.hash) for mark in witnessed_marks(audit.kept)] == [(3, "hash3"), (5, "hash5")]


def test_a_status_survives_the_wire() -> None:
    assert decode_status(encode_status(a_status(7))) == a_status(7)
