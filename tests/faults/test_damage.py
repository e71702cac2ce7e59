"""Files that the disk has damaged: seen at the start, set aside or cut back, and made again from the other end.

Every kind of damage to every file of the history is tried without processes in ``test_delta_history.py``.
"""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from lineside.testing.faults.damage import DAMAGE
from lineside.testing.faults.rig import EDGE, SITE, MakeRig

pytestmark = pytest.mark.system


def damage(path: Path, kind: str) -> None:
    """Damage a SQLite file once all of it stands in the file itself, and nothing in its log."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    DAMAGE[kind](path, 1)


@pytest.mark.parametrize("kind", ["flipped bits", "garbage", "empty"])
def test_a_damaged_landing_table_is_made_again_and_filled_by_the_gateways(make_rig: MakeRig, kind: str) -> None:
    rig = make_rig()
    rig.start()
    rig.progress(60)
    rig.end(SITE)
    damage(rig.folders[SITE] / "landing.db", kind)
    rig.start_part(SITE)
    rig.progress(10)
    assert rig.account().is_whole


def test_a_landing_table_that_is_gone_is_begun_anew_where_the_history_is(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.start()
    rig.progress(60)
    rig.end(SITE)
    for path in rig.folders[SITE].glob("landing.db*"):
        path.unlink()
    rig.start_part(SITE)
    rig.progress(10)
    assert any(line.startswith("mended") for line in rig.lines(SITE))
    assert rig.account().is_whole


@pytest.mark.parametrize(("kind", "pattern"), [("flipped bits", "*.parquet"), ("empty", "_delta_log/*.json")])
def test_a_damaged_end_of_the_history_is_cut_off_and_filled_again(make_rig: MakeRig, kind: str, pattern: str) -> None:
    rig = make_rig()
    rig.start()
    rig.progress(60)
    rig.end(SITE)
    found = (rig.folders[SITE] / "history" / "readings").rglob(pattern)
    DAMAGE[kind](max(found, key=lambda path: path.stat().st_mtime), 1)
    rig.start_part(SITE)
    rig.progress(10)
    assert rig.account().is_whole


@pytest.mark.parametrize("kind", ["flipped bits", "garbage", "cut short"])
def test_what_can_be_read_of_a_damaged_outbox_arrives_once_and_the_rest_is_counted(
    make_rig: MakeRig, kind: str
) -> None:
    rig = make_rig()
    rig.start()
    rig.end(SITE)
    rig.progress(150)
    rig.end(EDGE)
    damage(rig.folders[EDGE] / "outbox.db", kind)
    rig.start_part(EDGE)
    rig.progress(10)
    rig.start_part(SITE)
    account = rig.account()
    assert account.is_whole
    assert account.quarantined < account.accepted


@pytest.mark.parametrize("kind", ["empty", "zeroes"])
def test_a_gateway_goes_on_with_a_new_epoch_where_nothing_can_be_read_of_its_outbox(
    make_rig: MakeRig, kind: str
) -> None:
    rig = make_rig()
    rig.start()
    rig.end(EDGE)
    damage(rig.folders[EDGE] / "outbox.db", kind)
    rig.start_part(EDGE)
    rig.progress(10)
    assert any(line.startswith("salvaged 0") for line in rig.lines(EDGE))
    assert list(rig.folders[EDGE].glob("outbox.damaged-1.db"))
    rig.forget_acked_but({(epoch, at) for epoch, at in rig.acked() if epoch == rig.lines(EDGE)[-1].split()[1]})
    assert rig.account().is_whole
