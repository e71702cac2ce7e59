from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner

from lineside.adapters.audit_sqlite import SqliteAudit, checkpoint_file, read_chain, read_checkpoints
from lineside.apps.layout import Layout
from lineside.cli.audit import command
from lineside.domain.audit import WITNESSED, verify_chain
from lineside.domain.errors import IntegrityError
from lineside.ports import AuditLog
from lineside.testing.clocks import ManualClock
from lineside.testing.conformance import audit as conformance
from lineside.testing.fakes.audit import FakeAudit


async def opened(path: Path, writer: str = "plant") -> SqliteAudit:
    path.parent.mkdir(parents=True, exist_ok=True)
    return await SqliteAudit.open(
        path, writer=writer, clock=ManualClock(), key=path.parent.parent / "keys" / "audit.key"
    )


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[SqliteAudit]:
    log = await opened(tmp_path / "plant" / "audit.db")
    yield log
    await log.close()


@pytest.mark.parametrize("check", conformance.CHECKS)
async def test_the_file_keeps_to_what_every_audit_record_does(
    audit: SqliteAudit, check: Callable[[AuditLog], Awaitable[None]]
) -> None:
    await check(audit)


@pytest.mark.parametrize("check", conformance.CHECKS)
async def test_the_fake_keeps_to_what_every_audit_record_does(check: Callable[[AuditLog], Awaitable[None]]) -> None:
    await check(FakeAudit())


async def test_a_chain_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "plant" / "audit.db"
    for _ in range(2):
        log = await opened(path)
        await log.append("start", {})
        await log.close()
    assert [entry.sequence for entry in read_chain(path)] == [1, 2]
    assert verify_chain(read_chain(path), read_checkpoints(path, tmp_path / "keys" / "audit.key")) == ()


async def test_the_file_refuses_to_change_or_delete_an_entry(audit: SqliteAudit, tmp_path: Path) -> None:
    await audit.append("login", {})
    connection = apsw.Connection(str(tmp_path / "plant" / "audit.db"))
    for statement in ("DELETE FROM entry", "UPDATE entry SET action = 'forged'"):
        with pytest.raises(apsw.ConstraintError, match="never"):
            connection.execute(statement)


async def test_a_forged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plant" / "audit.db"
    log = await opened(path)
    await log.append("start", {})
    await log.close()
    file = checkpoint_file(path)
    file.write_text(file.read_text().replace('\\"sequence\\":1', '\\"sequence\\":2'))
    with pytest.raises(IntegrityError, match="checkpoint"):
        read_checkpoints(path, tmp_path / "keys" / "audit.key")


async def two_chains(data: Path) -> Layout:
    layout = Layout(data)
    gateway, plant = await opened(layout.gateway_audit, "gateway"), await opened(layout.plant_audit, "plant")
    for number in range(3):
        entry = await gateway.append("alert.raised", {"number": number})
    await plant.append(WITNESSED, {"writer": "gateway", "sequence": entry.sequence, "hash": entry.hash})
    await gateway.close()
    await plant.close()
    return layout


async def test_verify_says_that_sound_chains_are_sound(tmp_path: Path) -> None:
    await two_chains(tmp_path)
    result = CliRunner().invoke(command, ["verify", "--data", str(tmp_path)])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == ["sound", "sound"]


async def test_verify_finds_a_cut_tail_that_another_chain_has_witnessed(tmp_path: Path) -> None:
    layout = await two_chains(tmp_path)
    checkpoint_file(layout.gateway_audit).unlink()
    connection = apsw.Connection(str(layout.gateway_audit))
    connection.execute("DROP TRIGGER entry_remains; DELETE FROM entry WHERE sequence = 3")
    connection.close()
    result = CliRunner().invoke(command, ["verify", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "BROKEN" in result.output
    assert "plant (its entry 1) vouches for" in result.output
