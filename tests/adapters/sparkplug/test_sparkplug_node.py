"""The protocol of one edge node, without a broker: births, gaps, deaths, and every mixture of messages."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.sparkplug.node import (
    GRACE,
    LEAST_PATIENCE,
    Ask,
    EdgeNode,
    Output,
    Refused,
    Silenced,
    Stands,
    Values,
)
from lineside.adapters.sparkplug.payloads import REBIRTH, SESSION, Heard, Kind
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.adapters.sparkplug.states import State
from lineside.domain.intake.reasons import Reason
from lineside.domain.units import MILLISECOND, SECOND

WITHIN = 500 * MILLISECOND
WANTED = {"": {"cpu": "load"}, "press": {"temperature": "temperature", "pressure": "pressure"}}
ALIASES = {"cpu": 1, "temperature": 2, "pressure": 3}


def node_of(*, rebirth: bool = True) -> EdgeNode:
    return EdgeNode("g/e", WANTED, rebirth=rebirth, reorder_within=WITHIN)


def heard(kind: Kind, seq: int | None = None, device: str = "", **metrics: float) -> Heard:
    payload = Payload()
    if seq is not None:
        payload.seq = seq % 256
    for name, value in metrics.items():
        payload.metrics.add(alias=ALIASES[name], double_value=value)
    return Heard(kind=kind, device=device, payload=payload, received=7, raw=payload.SerializeToString())


def birth(seq: int = 0, session: int = 4, names: Iterable[str] = ("cpu",), device: str = "", kind: int = 10) -> Heard:
    payload = Payload(seq=seq % 256)
    if not device:
        payload.metrics.add(name=SESSION, long_value=session)
        payload.metrics.add(name=REBIRTH, boolean_value=False)
    for name in names:
        payload.metrics.add(name=name, alias=ALIASES.get(name, 50), datatype=kind, double_value=0.0)
    chosen = Kind.DBIRTH if device else Kind.NBIRTH
    return Heard(kind=chosen, device=device, payload=payload, received=7, raw=b"")


def press_birth(seq: int, kind: int = 10) -> Heard:
    return birth(seq, names=("temperature", "pressure"), device="press", kind=kind)


def death(session: int | None) -> Heard:
    payload = Payload()
    if session is not None:
        payload.metrics.add(name=SESSION, long_value=session)
    return Heard(kind=Kind.NDEATH, device="", payload=payload, received=7, raw=b"")


def alive(*, rebirth: bool = True) -> EdgeNode:
    node = node_of(rebirth=rebirth)
    node.connected(0)
    node.receive(birth(), 0)
    node.receive(press_birth(1), 0)
    return node


def read(outputs: Iterable[Output]) -> list[tuple[float, bool]]:
    """The values of data messages, and whether they are doubtful."""
    return [
        (metric.double_value, output.doubtful)
        for output in outputs
        if isinstance(output, Values) and output.heard.kind in {Kind.NDATA, Kind.DDATA}
        for metric in output.heard.payload.metrics
    ]


def reasons(outputs: Iterable[Output]) -> list[tuple[Reason, int]]:
    return [(output.reason, output.count) for output in outputs if isinstance(output, Refused)]


def asked(outputs: Iterable[Output]) -> int:
    return sum(isinstance(output, Ask) for output in outputs)


def test_what_was_born_is_read_by_its_alias() -> None:
    node = alive()
    out = node.receive(heard(Kind.DDATA, 2, "press", temperature=21.0), 1)
    assert read(out) == [(21.0, False)]
    [values] = [item for item in out if isinstance(item, Values)]
    [metric] = values.heard.payload.metrics
    binding = values.names.binding_of(metric)
    assert binding is not None
    assert binding.signal == "temperature"


def test_data_before_any_birth_is_refused_and_births_are_asked_for_once() -> None:
    node = node_of()
    node.connected(0)
    out = node.receive(heard(Kind.NDATA, 9, cpu=1.0), 1)
    out += node.receive(heard(Kind.DDATA, 10, "press", temperature=1.0, pressure=2.0), 2)
    assert read(out) == []
    assert reasons(out) == [(Reason.BIRTH_AWAITED, 1), (Reason.BIRTH_AWAITED, 2)]
    assert asked(out) == 1
    assert read(node.receive(birth(), 3) + node.receive(heard(Kind.NDATA, 1, cpu=3.0), 4)) == [(3.0, False)]


def test_a_device_waits_for_its_own_birth_after_that_of_its_edge_node() -> None:
    node = alive()
    out = node.receive(birth(), 1) + node.receive(heard(Kind.DDATA, 1, "press", temperature=1.0), 2)
    assert read(out) == []
    assert (Reason.BIRTH_AWAITED, 1) in reasons(out)
    assert node.assets["press"].state is State.AWAITED


def test_a_message_that_is_late_for_a_moment_is_put_in_its_place() -> None:
    node = alive()
    assert node.receive(heard(Kind.DDATA, 3, "press", temperature=3.0), 10) == []
    assert node.due == 10 + WITHIN
    out = node.receive(heard(Kind.DDATA, 2, "press", temperature=2.0), 20)
    assert read(out) == [(2.0, False), (3.0, False)]
    assert asked(out) == 0
    assert node.due is None


def test_a_gap_that_does_not_close_is_counted_asked_about_once_and_readings_are_doubtful_until_the_birth() -> None:
    node = alive()
    node.receive(heard(Kind.DDATA, 4, "press", temperature=4.0), 10)
    out = node.tick(10 + WITHIN)
    assert reasons(out) == [(Reason.LOST_AT_SOURCE, 2)]
    assert (asked(out), read(out)) == (1, [(4.0, True)])
    out = node.receive(heard(Kind.DDATA, 9, "press", temperature=9.0), 20 + WITHIN)
    assert (asked(out), read(out)) == (0, [(9.0, True)])
    node.receive(birth(), 30 + WITHIN)
    node.receive(press_birth(1), 30 + WITHIN)
    assert read(node.receive(heard(Kind.DDATA, 2, "press", temperature=2.0), 40 + WITHIN)) == [(2.0, False)]


def test_where_the_plan_forbids_to_ask_a_gap_is_counted_and_the_births_go_on_to_hold() -> None:
    node = alive(rebirth=False)
    node.receive(heard(Kind.DDATA, 3, "press", temperature=3.0), 10)
    out = node.tick(10 + WITHIN)
    assert (reasons(out), asked(out), read(out)) == ([(Reason.LOST_AT_SOURCE, 1)], 0, [(3.0, False)])
    assert read(node.receive(heard(Kind.DDATA, 4, "press", temperature=4.0), 20 + WITHIN)) == [(4.0, False)]


def test_the_death_of_an_edge_node_silences_its_devices_too_until_each_is_born_again() -> None:
    node = alive()
    out = node.receive(death(4), 10)
    assert [set(item.signals) for item in out if isinstance(item, Silenced)] == [{"load"}, {"temperature", "pressure"}]
    assert {item.device: item.state for item in out if isinstance(item, Stands)} == dict.fromkeys(
        ("", "press"), State.STALE
    )
    born = node.receive(birth(session=5), 20)
    assert [item.device for item in born if isinstance(item, Stands)] == [""]
    assert [item.state for item in node.receive(press_birth(1), 30) if isinstance(item, Stands)] == [State.LIVE]


def test_a_second_death_silences_nothing_anew() -> None:
    node = alive()
    node.receive(death(4), 10)
    assert node.receive(death(4), 11) == []


def test_the_death_of_an_earlier_session_is_counted_and_changes_nothing() -> None:
    node = alive()
    out = node.receive(death(3), 10)
    assert reasons(out) == [(Reason.STALE_DEATH, 1)]
    assert node.assets["press"].state is State.LIVE
    assert read(node.receive(heard(Kind.DDATA, 2, "press", temperature=2.0), 11)) == [(2.0, False)]


def test_a_device_that_dies_is_silenced_alone() -> None:
    node = alive()
    out = node.receive(heard(Kind.DDEATH, 2, "press"), 10)
    assert [item.signals for item in out if isinstance(item, Silenced)] == [("temperature", "pressure")]
    assert node.assets[""].state is State.LIVE
    out = node.receive(heard(Kind.DDATA, 3, "press", temperature=1.0), 11)
    assert reasons(out) == [(Reason.BIRTH_AWAITED, 1)]
    assert asked(out) == 1


def test_a_birth_says_what_the_plan_does_not_name_and_what_it_lacks() -> None:
    node = node_of()
    node.receive(birth(), 0)
    out = node.receive(birth(1, names=("temperature", "strange", "other"), device="press"), 0)
    assert reasons(out) == [(Reason.UNKNOWN_SIGNAL, 2), (Reason.UNKNOWN_NODE, 1), (Reason.DUPLICATE_ALIAS, 1)]
    [missing] = [item for item in out if isinstance(item, Refused) and item.reason is Reason.UNKNOWN_NODE]
    assert missing.signal == "pressure"


def test_a_birth_that_changes_a_type_says_so_and_holds() -> None:
    node = alive()
    node.receive(birth(), 1)
    out = node.receive(press_birth(1, kind=12), 1)
    changed = [item for item in out if isinstance(item, Refused) and item.reason is Reason.TYPE_CHANGED]
    assert {item.signal for item in changed} == {"temperature", "pressure"}
    assert node.assets["press"].last.by_alias[2].datatype == 12


def test_an_alias_that_one_birth_gives_twice_means_neither() -> None:
    node = node_of()
    node.receive(birth(), 0)
    payload = Payload(seq=1)
    for name in ("temperature", "pressure"):
        payload.metrics.add(name=name, alias=2, datatype=10)
    out = node.receive(Heard(kind=Kind.DBIRTH, device="press", payload=payload, received=7, raw=b""), 0)
    assert (Reason.DUPLICATE_ALIAS, 1) in reasons(out)
    assert node.assets["press"].last.by_alias[2].signal == ""


def test_nodes_that_are_not_born_soon_after_a_connection_are_asked_once() -> None:
    node = node_of()
    node.connected(0)
    assert node.due == GRACE
    assert asked(node.tick(GRACE - 1)) == 0
    assert asked(node.tick(GRACE)) == 1
    assert asked(node.tick(9 * GRACE)) == 0
    born = node_of()
    born.connected(0)
    born.receive(birth(), 1)
    assert born.due is None


def test_a_node_that_never_says_what_it_means_is_asked_with_growing_patience() -> None:
    node = node_of()
    node.connected(0)
    times = [
        now for now in range(0, 1000 * SECOND, SECOND) if asked(node.receive(heard(Kind.NDATA, 1, cpu=1.0), now + 1))
    ]
    assert times[1] - times[0] >= LEAST_PATIENCE
    assert len(times) < 10
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == sorted(pauses)


def test_whoever_loses_the_broker_trusts_no_name_of_before() -> None:
    node = alive()
    node.receive(heard(Kind.DDATA, 3, "press", temperature=3.0), 10)
    out = node.cut()
    assert read(out) == [(3.0, False)]
    assert node.assets["press"].state is State.STALE
    node.connected(100)
    assert reasons(node.receive(heard(Kind.DDATA, 4, "press", temperature=4.0), 101)) == [(Reason.BIRTH_AWAITED, 1)]


MESSAGES = st.one_of(
    st.builds(birth, st.integers(0, 255), st.integers(3, 5)),
    st.builds(press_birth, st.integers(0, 255)),
    st.builds(death, st.sampled_from([None, 3, 4, 5])),
    st.builds(lambda seq: heard(Kind.DDEATH, seq, "press"), st.integers(0, 255)),
    st.builds(lambda seq: heard(Kind.DDATA, seq, "other", cpu=1.0), st.integers(0, 255)),
    st.builds(lambda seq, v: heard(Kind.DDATA, seq, "press", temperature=v), st.integers(0, 255), st.floats(0, 99)),
    st.builds(lambda seq, v: heard(Kind.NDATA, seq, cpu=v), st.one_of(st.none(), st.integers(0, 255)), st.floats(0, 9)),
)


def taken_by(outputs: Iterable[Output]) -> int:
    """How many data messages were read, or refused for want of a birth."""
    of_data = {Kind.NDATA, Kind.DDATA}
    return sum(
        (isinstance(item, Values) or (isinstance(item, Refused) and item.reason is Reason.BIRTH_AWAITED))
        and item.heard is not None
        and item.heard.kind in of_data
        for item in outputs
    )


@given(
    steps=st.lists(st.one_of(MESSAGES, st.integers(0, 3 * SECOND), st.just("cut")), max_size=60), rebirth=st.booleans()
)
def test_whatever_comes_every_message_is_read_or_refused_once_by_names_that_were_given(
    *, steps: list[Heard | int | str], rebirth: bool
) -> None:
    node, now = node_of(rebirth=rebirth), 0
    out = node.connected(now)
    for step in steps:
        if isinstance(step, int):
            now += step
            out += node.tick(now)
        elif isinstance(step, str):
            out += [*node.cut(), *node.connected(now)]
        else:
            out += node.receive(step, now)
    out += node.cut()
    sent = [item for item in steps if isinstance(item, Heard) and item.kind in {Kind.NDATA, Kind.DDATA}]
    assert taken_by(out) == len(sent)
    assert all(item.names.by_name for item in out if isinstance(item, Values))
    assert rebirth or not asked(out)
