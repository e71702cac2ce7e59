"""The slots of a seat: whatever ends the process at whatever step, the old model is there or the new one, whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.adapters.model_slots import MODEL, OFFER, POINTER, ModelSlots, Pointer, SlotFiles, read_plain
from lineside.domain.errors import IntegrityError

OLD = SlotFiles(offer=b"old offer", model=b"old model" * 1000, fallback=b"older")
NEW = SlotFiles(offer=b"new offer", model=b"new model" * 1000)

SWITCH = """
import os, signal, sys
from pathlib import Path
from lineside.adapters.model_slots import ModelSlots, Pointer, SlotFiles

at, seen = int(sys.argv[2]), 0
folder = sys.argv[1]


def kill_at(event, arguments):
    global seen
    if event in {"open", "os.rename", "os.remove", "os.mkdir"} and folder in str(arguments[0]):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)


slots = ModelSlots(Path(folder))
files = SlotFiles(offer=b"new offer", model=b"new model" * 1000)
sys.addaudithook(kill_at)
slot = slots.stage(files)
slots.point(Pointer(slot=slot, use="model", seen=2))
print(seen)
"""


def switched(folder: Path, at: int = 0) -> subprocess.CompletedProcess[str]:
    """Switch in a process of its own that is killed at its file operation number ``at`` (0: never)."""
    return subprocess.run(
        [sys.executable, "-c", SWITCH, str(folder), str(at)], capture_output=True, text=True, timeout=60, check=False
    )


def with_old(folder: Path) -> ModelSlots:
    slots = ModelSlots(folder)
    slots.point(Pointer(slot=slots.stage(OLD), use="model", seen=1))
    return slots


def test_a_kill_at_every_step_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    with_old(tmp_path / "seat")
    whole = switched(tmp_path / "seat")
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps >= 8
    found = set()
    for step in range(1, steps + 1):
        folder = tmp_path / f"killed-{step}"
        with_old(folder)
        assert switched(folder, step).returncode == -9
        slots = ModelSlots(folder)
        pointer = slots.pointer()
        expected = OLD if pointer.seen == 1 else NEW
        assert slots.read(pointer.slot) == expected
        found.add(pointer.seen)
        # The next switch goes through, over whatever the kill left behind.
        slots.point(Pointer(slot=slots.stage(NEW), use="model", seen=3))
        assert slots.read(slots.pointer().slot) == NEW
    assert found == {1, 2}


def test_every_rename_is_of_synced_bytes_and_is_synced_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut may take is what was never synced: nothing that the pointer speaks of is among it."""
    slots = with_old(tmp_path)
    done: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(handle: int) -> None:
        done.append(("sync", str(Path(f"/proc/self/fd/{handle}").readlink())))
        sync(handle)

    def noted_rename(self: Path, target: Path) -> Path:
        assert ("sync", str(self)) in done, f"{self} is renamed before its bytes are synced"
        done.append(("rename", str(target)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    slots.point(Pointer(slot=slots.stage(NEW), use="model", seen=2))
    pointed = done.index(("rename", str(tmp_path / POINTER)))
    for name in (OFFER, MODEL):
        moved = done.index(("rename", str(tmp_path / "b" / name)))
        assert ("sync", str(tmp_path / "b")) in done[moved:pointed]
    assert done[-1] == ("sync", str(tmp_path))


def test_the_slot_in_use_is_never_written(tmp_path: Path) -> None:
    slots = with_old(tmp_path)
    assert slots.pointer().slot == "a"
    assert slots.stage(NEW) == "b"
    assert slots.stage(NEW) == "b"
    assert slots.read("a") == OLD


def test_a_seat_that_never_had_a_model_points_to_nothing(tmp_path: Path) -> None:
    assert ModelSlots(tmp_path / "nowhere").pointer() == Pointer()
    with pytest.raises(IntegrityError):
        ModelSlots(tmp_path / "nowhere").read("a")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"slot": 1}', b'{"slot": "a", "more": 1}', b"\xff"])
def test_a_damaged_pointer_is_said(tmp_path: Path, content: bytes) -> None:
    slots = with_old(tmp_path)
    (tmp_path / POINTER).write_bytes(content)
    with pytest.raises(IntegrityError):
        slots.pointer()


def test_links_and_strange_files_are_refused(tmp_path: Path) -> None:
    slots = with_old(tmp_path / "seat")
    model = tmp_path / "seat" / "a" / MODEL
    other = tmp_path / "elsewhere"
    other.write_bytes(model.read_bytes())
    for link in (os.symlink, os.link):
        model.unlink()
        link(other, model)
        with pytest.raises(IntegrityError, match="link"):
            slots.read("a")
    model.unlink()
    model.mkdir()
    with pytest.raises(IntegrityError):
        slots.read("a")
    model.rmdir()
    model.write_bytes(b"model")
    (tmp_path / "seat" / "a" / "custom_ops.so").write_bytes(b"")
    with pytest.raises(IntegrityError, match="does not belong"):
        slots.read("a")


def test_a_pipe_is_no_model_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IntegrityError):
        read_plain(tmp_path / "pipe")


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, new = tmp_path / "current.json", tmp_path / "new"
    path.write_bytes(b"old")
    new.write_bytes(b"new")
    opened = os.open

    def replaced(name: Path, flags: int) -> int:
        handle = opened(name, flags)
        new.replace(path)
        return handle

    monkeypatch.setattr(os, "open", replaced)
    assert read_plain(path) == b"old"
    monkeypatch.undo()
    assert read_plain(path) == b"new"
    os.link(path, tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="linked"):
        read_plain(path)
