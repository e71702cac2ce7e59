"""What all tests share: where things are, free ports, how hypothesis runs, and what did not run and why."""

from __future__ import annotations

import os
import socket
import sysconfig
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import find_browser
from lineside.adapters.cancelling import keep_cancellations
from lineside.testing.peers.brokers import mosquitto
from lineside.testing.peers.postgresql import programs
from process_guard import ProcessGuard

keep_cancellations()  # as every process of the project does; tests run much of what those run

pytest_plugins = ["board_fixtures", "broker_fixtures", "fault_fixtures", "postgresql_fixtures"]

ROOT = Path(__file__).resolve().parent.parent

hypothesis.settings.register_profile("developer", deadline=None, print_blob=True)
# The same examples in every run, so that a red gate means a changed project.
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")


def real_data_folder() -> Path:
    """Return where the public data sets would be: LINESIDE_DATA, or `shared/data` beside the checkout."""
    named = os.environ.get("LINESIDE_DATA")
    return Path(named) if named else ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the gate insist on what a developer may go without, and drills be run on purpose."""
    parser.addoption("--require-mosquitto", action="store_true", help="end at once without a mosquitto")
    parser.addoption("--require-postgresql", action="store_true", help="end at once without a PostgreSQL server")
    parser.addoption("--require-browser", action="store_true", help="fail browser tests without a Chromium")
    parser.addoption("--drill", action="store_true", help="run what is long or needs root as well")
    for name, default, what in (
        ("kills", 40, "processes that a drill kills"),
        ("cuts", 20, "power cuts of the gateway"),
        ("inputs", 1_000_000, "damaged inputs for the decoders"),
        ("hours", 2, "the line's hours of the soak"),
    ):
        parser.addoption(f"--{name}", type=int, default=default, help=f"in a drill: {what}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a drill have as many power cuts as were asked for."""
    if "cut_seed" in metafunc.fixturenames:
        metafunc.parametrize("cut_seed", range(metafunc.config.getoption("--cuts")))


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the processes that tests start."""
    if config.getoption("--require-mosquitto") and mosquitto() is None:
        raise pytest.UsageError("no mosquitto: install the system's package of that name")
    if config.getoption("--require-postgresql") and programs() is None:
        raise pytest.UsageError("no PostgreSQL server: install the system's package postgresql")
    if not hasattr(config, "workerinput"):  # a worker's processes are its controller's
        config.pluginmanager.register(ProcessGuard(), "process-guard")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the drills out where nobody asked for them, and skip what this machine has not got."""
    if not config.getoption("--drill"):
        drills = [item for item in items if item.get_closest_marker("drill")]
        items[:] = [item for item in items if not item.get_closest_marker("drill")]
        config.hook.pytest_deselected(items=drills)
    # The longest come first, so that no worker is left with them when the others are done.
    items.sort(key=lambda item: item.get_closest_marker("system") is None)
    data, browser = real_data_folder(), find_browser.find()
    no_data = pytest.mark.skip(reason=f"the public data sets are not there: {data} (name them in LINESIDE_DATA)")
    no_browser = pytest.mark.skip(reason=f"no Chromium: {find_browser.ADVICE}")
    for item in items:
        if item.get_closest_marker("real_data") and not data.is_dir():
            item.add_marker(no_data)
        if item.get_closest_marker("browser") and browser is None and not config.getoption("--require-browser"):
            item.add_marker(no_browser)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly which kinds of test did not run, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if {"browser", "real_data"} & set(report.keywords) or "mosquitto" in reason or "PostgreSQL" in reason:
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("not everything ran")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} tests: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the public data sets; for tests marked ``real_data``."""
    return real_data_folder()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium to drive; for tests marked ``browser``."""
    path = find_browser.find()
    if path is None:
        pytest.fail(f"no Chromium: {find_browser.ADVICE}")
    return path


@pytest.fixture(scope="session")
def nats_server_path() -> Path:
    """The NATS server to start: LINESIDE_NATS_SERVER, or the one of the wheel."""
    named = os.environ.get("LINESIDE_NATS_SERVER")
    return Path(named) if named else Path(sysconfig.get_path("scripts")) / "nats-server"


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that returns a TCP port on loopback that nothing listens on, a different one at every call."""
    given: set[int] = set()

    def choose() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                given.add(port)
                return port

    return choose
