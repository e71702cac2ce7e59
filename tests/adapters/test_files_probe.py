"""The connection test of files: what it says about folders and tables that do not work yet."""

from pathlib import Path

import pytest

from lineside.adapters.files.options import FileOptions
from lineside.adapters.files.probe import probe
from lineside.domain.plan.model import FilesSpec
from lineside.ports import ProbeReport
from lineside.testing.clocks import ManualClock
from lineside.testing.peers.sftp import PASSWORD, SftpPeer
from lineside.testing.plans import plan_with_source
from lineside.testing.workbooks import xlsx

SIGNALS = ({"id": "temperature", "unit": "degC", "address": "Temperatur"}, {"id": "running", "role": "trigger"})


async def look(root: Path, options: FileOptions | None = None, **spec: object) -> ProbeReport:
    plan = plan_with_source(
        {"kind": "files", "path": "drop", "time_column": "Zeit", **spec}, cycle={"by": "rows"}, signals=SIGNALS
    )
    found = plan.source_as(FilesSpec, "machine")
    return await probe(plan, found, ManualClock(), root=root, options=options or FileOptions(), signals=["temperature"])


def drop(root: Path, name: str, content: bytes) -> Path:
    (root / "drop").mkdir(exist_ok=True)
    file = root / "drop" / name
    file.write_bytes(content)
    return file


def said(report: ProbeReport) -> str:
    return "\n".join(f"{step.ok} {step.signal} {step.name}: {step.seen} -> {step.next_step}" for step in report.steps)


async def test_it_says_how_a_file_is_written_from_when_to_when_and_what_is_left_alone(tmp_path: Path) -> None:
    drop(
        tmp_path,
        "a.csv",
        "Werk Süd\nZeit;Temperatur\n;°C\n2026-11-18 10:06:41;21,5\n2026-11-18 10:06:40;1\n".encode("cp1252"),
    )
    drop(tmp_path, "b.csv.part", b"x")
    report = await look(tmp_path, decimal=",", time_zone="Europe/Berlin")
    text = said(report)
    assert report.ok, text
    assert "CSV in cp1252, a semicolon between cells, header on line 2, 2 columns: Zeit, Temperatur" in text
    assert "the newest of 1 is a.csv; left alone: 1 (b.csv.part)" in text
    assert "2026-11-18 09:06:40Z to 2026-11-18 09:06:41Z, not in order" in text


async def test_it_names_the_decimal_sign_the_unit_and_the_column_that_differ(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", "Zeit;Temperatur\n;[°F]\n2026-11-18 10:06:40;21,5\n".encode())
    text = said(await look(tmp_path))
    assert "numbers have a decimal comma -> write decimal: ',' in the plan" in text
    assert "False temperature unit: the file says [°F], the plan degC" in text
    drop(tmp_path, "a.csv", b"Time;Temperature\n2026-11-18 10:06:40;21.5\n")
    text = said(await look(tmp_path))
    assert "no column 'Zeit'; it has Time, Temperature" in text
    assert "False temperature value: the table has no column 'Temperatur' -> did you mean 'Temperature'?" in text


async def test_it_says_what_would_be_quarantined(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", b"Zeit;Temperatur\n2026-11-18 10:06:40;21.5\n1;2;3\nyesterday;4\n")
    text = said(await look(tmp_path))
    assert "1 would be quarantined as malformed_row" in text
    assert "1 of 2 times cannot be read, such as row 3" in text


async def test_workbooks_and_aqdef_are_shown_too(tmp_path: Path) -> None:
    drop(tmp_path, "a.xlsx", xlsx({"Data": [["Zeit", "Temperatur"], ["2026-11-18 10:06:40", 21.5]]}))
    assert "xlsx, 2 columns: Zeit, Temperatur" in said(await look(tmp_path))
    (tmp_path / "drop" / "a.xlsx").unlink()
    drop(tmp_path, "a.dfq", b"K1001/1 4711\nK2002/1 Temperatur\nK2142/1 K\n21,5\x140\x1418.11.2026/10:06:40\n")
    text = said(await look(tmp_path))
    assert "AQDEF of part 4711, 1 characteristics: Temperatur" in text
    assert "the file says K, the plan degC" in text


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", b""), ("a.parquet", b"PAR1"), ("a.xlsx", b"x"), ("a.dfq", b"x")]
)
async def test_what_cannot_be_read_is_said_as_a_step(tmp_path: Path, name: str, content: bytes) -> None:
    drop(tmp_path, name, content)
    assert not (await look(tmp_path)).ok


async def test_an_unknown_host_key_is_shown_with_the_command_that_trusts_it(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", b"Zeit;Temperatur\n2026-11-18 10:06:40;21.5\n")
    peer = SftpPeer(tmp_path)
    await peer.start()
    try:
        known = tmp_path / "known_hosts"
        options = FileOptions(password=PASSWORD, known_hosts=known)
        report = await look(tmp_path, options, path=peer.url("/drop"))
        assert "SHA256:" in report.steps[0].seen
        assert "compare the fingerprint" in report.steps[0].next_step
        known.write_text(peer.host_line)
        report = await look(tmp_path, options, path=peer.url("/drop"))
        assert report.ok, said(report)
    finally:
        await peer.stop()
