"""The conformance suite of sources over an SFTP server and an S3 store, and what is special about each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from lineside.adapters.files import watching
from lineside.adapters.files.source import FileOptions
from lineside.adapters.files.source import open_source as open_files
from lineside.domain.health.sources import Phase
from lineside.domain.plan.model import FilesSpec
from lineside.domain.readings import ReadingBatch
from lineside.domain.units import SECOND
from lineside.ports import Source
from lineside.testing.conformance.source import Reader, SourceBench, SourceSuite, reading
from lineside.testing.peers.s3 import KEY, SECRET, S3Peer
from lineside.testing.peers.sftp import PASSWORD, SftpPeer
from lineside.testing.plans import plan_with_source

NUMBERS = count()


def table(signal: str, moment: int, value: object) -> bytes:
    shown = int(value) if isinstance(value, bool) else value
    return f"time,signal,value\n{moment},{signal},{shown}\n".encode()


class SftpBench:
    redelivers = repeats = keeps = True

    def __init__(self, peer: SftpPeer, folder: Path, **spec: object) -> None:
        self.peer = peer
        self.folder = folder
        self.drop = peer.folder / folder.name
        self.drop.mkdir()
        folder.mkdir(exist_ok=True)
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(peer.host_line)
        form = {"layout": "long", "time_column": "time", **spec}
        self.plan = plan_with_source({"kind": "files", "path": peer.url(f"/{folder.name}"), **form})
        self.clock = HastyClock()
        self.options = FileOptions(
            follow=True, state=folder / "files.db", password=PASSWORD, known_hosts=self.known_hosts
        )

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        spec = self.plan.source_as(FilesSpec, "machine")
        return open_files(self.plan, spec, self.clock, options=self.options, seen=seen, sleep=hasty)

    async def put(self, name: str, content: bytes) -> None:
        new = self.drop / f"{name}.part"
        new.write_bytes(content)
        new.rename(self.drop / name)

    async def send(self, signal: str, time: int, value: object) -> None:
        await self.put(f"{next(NUMBERS):06}.csv", table(signal, time, value))

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        await self.peer.stop()
        await self.peer.start()


class S3Bench:
    redelivers = repeats = keeps = True

    def __init__(self, peer: S3Peer, folder: Path, **spec: object) -> None:
        self.peer = peer
        self.prefix = folder.name
        form = {"layout": "long", "time_column": "time", "endpoint": peer.endpoint, "username": KEY, "secret": "store"}
        self.plan = plan_with_source({"kind": "files", "path": f"s3://drop/{self.prefix}", **form, **spec})
        self.clock = HastyClock()
        self.options = FileOptions(follow=True, state=folder / "files.db", password=SECRET)

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        spec = self.plan.source_as(FilesSpec, "machine")
        return open_files(self.plan, spec, self.clock, options=self.options, seen=seen, sleep=hasty)

    async def put(self, name: str, content: bytes) -> None:
        await self.peer.put(f"{self.prefix}/{name}", content)

    async def send(self, signal: str, time: int, value: object) -> None:
        await self.put(f"{next(NUMBERS):06}.csv", table(signal, time, value))

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        await self.peer.stop()
        await self.peer.start()


@pytest.fixture(autouse=True)
def _a_look_that_seems_long_by_the_hasty_clock_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LEISURE", 0)


class HastyClock:
    """Runs fifty times as fast as the wall's: waits for files to settle are short."""

    def __init__(self) -> None:
        self._began = time.time_ns()

    def now(self) -> int:
        return self._began + (time.time_ns() - self._began) * 50


async def hasty(seconds: float) -> None:
    await asyncio.sleep(seconds / 50)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def sftp_peer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SftpPeer]:
    peer = SftpPeer(tmp_path_factory.mktemp("sftp"))
    await peer.start()
    yield peer
    await peer.stop()


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def s3_peer() -> AsyncIterator[S3Peer]:
    peer = S3Peer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.mark.asyncio(loop_scope="class")
class TestSftp(SourceSuite):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self, sftp_peer: SftpPeer, tmp_path: Path) -> SftpBench:
        return SftpBench(sftp_peer, tmp_path)

    async def test_an_unknown_host_key_is_refused_with_the_command_that_trusts_it(self, bench: SftpBench) -> None:
        bench.known_hosts.unlink()
        await bench.send("temperature", bench.clock.now(), 21.0)
        async with reading(bench.open()) as reader:
            await reader.until(lambda: bool(reader.quarantined))
            [refused] = reader.quarantined
            assert refused.reason == "source_unreachable"
            assert "SHA256:" in refused.detail
            assert f">> {bench.known_hosts}" in refused.detail
            assert reader.source.condition.phase is Phase.LOST
            bench.known_hosts.write_text(refused.detail.split("echo '")[1].split("'")[0] + "\n")
            await reader.until(lambda: bool(reader.values("temperature")))

    async def test_another_host_key_than_the_trusted_one_is_refused(self, bench: SftpBench) -> None:
        other = SftpPeer(bench.folder)
        bench.known_hosts.write_text(other.host_line.replace(f":{other.port}", f":{bench.peer.port}"))
        async with reading(bench.open()) as reader:
            await reader.until(lambda: bool(reader.quarantined))
            assert "is not the trusted one" in reader.quarantined[0].detail

    async def test_a_wrong_password_is_said(self, bench: SftpBench) -> None:
        bench.options = FileOptions(follow=True, password="guessed", known_hosts=bench.known_hosts)
        async with reading(bench.open()) as reader:
            await reader.until(lambda: reader.source.condition.phase is Phase.LOST)
            assert "refuses the login" in reader.source.condition.reason

    async def test_a_transfer_that_is_cut_leaves_nothing_half_taken(self, bench: SftpBench) -> None:
        start = bench.clock.now() // SECOND * SECOND - 3600 * SECOND
        rows = b"".join(f"{start + row * 1_000_000},temperature,{row}.5\n".encode() for row in range(30_000))
        bench.peer.cut_after = 400_000
        await bench.put("long.csv", b"time,signal,value\n" + rows)
        async with reading(bench.open()) as reader:
            await reader.until(lambda: len(reader.values("temperature")) >= 30_000)
            assert bench.peer.cut_after == 0
            assert [value for _, value in reader.values("temperature")] == [row + 0.5 for row in range(30_000)]
            assert sum(item.duplicates for item in reader.deliveries) == 0
            assert not reader.source.condition.troubles
        assert not list(bench.options.state.with_suffix(".copies").glob("*"))  # type: ignore[union-attr]

    async def test_taken_files_are_moved_and_none_is_overwritten(self, bench: SftpBench) -> None:
        bench.plan = plan_with_source(
            {"kind": "files", "path": bench.peer.url(f"/{bench.drop.name}"), "layout": "long", "time_column": "time"}
            | {"after": "move", "move_to": "done"}
        )
        async with reading(bench.open()) as reader:
            for value in (1, 2):
                await bench.put("run.csv", table("temperature", bench.clock.now(), value))
                await moved(reader, bench.drop / "done", value)
        assert {path.name for path in (bench.drop / "done").iterdir()} == {"run.csv", "run-2.csv"}


@pytest.mark.asyncio(loop_scope="class")
class TestS3(SourceSuite):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self, s3_peer: S3Peer, tmp_path: Path) -> S3Bench:
        return S3Bench(s3_peer, tmp_path)

    async def test_taken_objects_are_moved(self, bench: S3Bench) -> None:
        bench = S3Bench(bench.peer, Path("moving") / str(next(NUMBERS)), after="move")
        bench.options = FileOptions(follow=True, password=SECRET)
        await bench.put("run.csv", table("temperature", bench.clock.now(), 1))
        async with reading(bench.open()) as reader:
            await reader.until(lambda: f"{bench.prefix}/taken/run.csv" in bench.peer.listed())
            assert len(reader.values("temperature")) == 1


async def moved(reader: Reader, folder: Path, files: int) -> None:
    await reader.until(lambda: folder.exists() and len(list(folder.iterdir())) == files)


def test_every_bench_is_one() -> None:
    benches: list[type[SourceBench]] = [SftpBench, S3Bench]
    assert len(benches) == 2
