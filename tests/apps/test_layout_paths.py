import stat
from pathlib import Path

from lineside.apps.layout import Layout


def test_every_path_lies_below_the_root_and_only_the_owner_may_look(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.create()
    layout.create()
    for path in (layout.outbox, layout.landing, layout.history, layout.state, layout.watermark_key, layout.nats):
        assert path.is_relative_to(tmp_path / "data")
        assert path.parent.is_dir()
    for folder in (layout.keys, layout.nats, layout.outbox.parent, layout.landing.parent):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
