"""The documents of MTConnect agents, good and bad."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.adapters.mtconnect.documents import AgentError, DocumentError, Header, read_devices, read_streams
from lineside.adapters.mtconnect.items import by_item, unit_differs, values_of
from lineside.domain.intake.gate import SignalRule

STREAMS = b"""<?xml version="1.0"?>
<m:MTConnectStreams xmlns:m="urn:mtconnect.org:MTConnectStreams:%s">
<m:Header instanceId="7" firstSequence="1" lastSequence="9" nextSequence="10"/>
<m:Streams><m:DeviceStream name="d"><m:ComponentStream component="Linear">
<m:Samples><m:Load dataItemId="load" sequence="9" timestamp="2026-01-01T00:00:00Z"> 12.5 </m:Load></m:Samples>
<m:Events><m:Execution dataItemId="exec" sequence="3" timestamp="2026-01-01T00:00:00Z">ACTIVE</m:Execution></m:Events>
<m:Condition><m:Fault dataItemId="hot" sequence="5" timestamp="2026-01-01T00:00:00Z" nativeCode="42">Too hot</m:Fault>
</m:Condition></m:ComponentStream></m:DeviceStream></m:Streams></m:MTConnectStreams>"""


def rule(address: str, *, text: bool = False) -> SignalRule:
    return SignalRule(id="s", code=0, address=address, text=text, boolean=False, low=0.0, high=1.0)


@pytest.mark.parametrize("version", [b"1.2", b"1.8", b"2.6"])
def test_observations_come_by_their_sequence_whatever_the_version(version: bytes) -> None:
    header, found = read_streams(STREAMS.replace(b"%s", version))
    assert header == Header("7", 1, 9, 10)
    assert [(item.item, item.sequence, item.value, item.condition) for item in found] == [
        ("exec", 3, "ACTIVE", False),
        ("hot", 5, "FAULT", True),
        ("load", 9, "12.5", False),
    ]


def test_the_errors_of_old_and_new_agents_are_told_by_their_code() -> None:
    old = b'<MTConnectError><Errors><Error errorCode="OUT_OF_RANGE">too small</Error></Errors></MTConnectError>'
    new = b'<MTConnectError><Errors><OutOfRange errorCode="OUT_OF_RANGE"><ErrorMessage>too small</ErrorMessage>'
    for body in (old, new + b"</OutOfRange></Errors></MTConnectError>"):
        with pytest.raises(AgentError) as caught:
            read_streams(body)
        assert caught.value.code == "OUT_OF_RANGE"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Login</body></html>",
        b"<MTConnectStreams>",
        b"<MTConnectStreams/>",
        b'<!DOCTYPE a [<!ENTITY b "b">]><MTConnectStreams>&b;</MTConnectStreams>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><MTConnectStreams/>',
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
    ],
)
def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(DocumentError):
        read_streams(body)


def test_components_may_be_nested_only_so_deep() -> None:
    body = b'<MTConnectDevices><Header instanceId="1"/>' + b"<Components>" * 5000 + b"</Components>" * 5000
    with pytest.raises(DocumentError, match="deeper"):
        read_devices(body + b"</MTConnectDevices>")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_document_or_refused(body: bytes) -> None:
    for read in (read_streams, read_devices):
        with pytest.raises((DocumentError, AgentError)):
            read(body)


@given(st.integers(0, len(STREAMS)), st.integers(0, 255))
def test_a_spoilt_document_is_read_or_refused(at: int, letter: int) -> None:
    spoilt = STREAMS[:at] + bytes([letter]) + STREAMS[at + 1 :]
    try:
        read_streams(spoilt)
    except (DocumentError, AgentError) as error:
        assert str(error)  # noqa: PT017 - one of two outcomes


def test_items_are_found_by_id_or_by_a_name_that_only_one_has() -> None:
    body = (
        b'<MTConnectDevices><Header instanceId="1"/><Devices><Device><DataItems>'
        b'<DataItem id="a1" name="x"/><DataItem id="a2" name="y" units="CELSIUS"/><DataItem id="a3" name="y"/>'
        b"</DataItems></Device></Devices></MTConnectDevices>"
    )
    _, items = read_devices(body)
    rules = [replace(rule(at), id=at) for at in ("a1", "x", "y", "z")]
    found, refused = by_item(rules, items)
    assert {item: [wanted.rule.id for wanted in wanteds] for item, wanteds in found.items()} == {"a1": ["a1", "x"]}
    assert "several data items: a2, a3" in refused["y"]
    assert "no data item z" in refused["z"]
    celsius = next(item for item in items if item.id == "a2")
    assert unit_differs("bar", celsius)
    assert not unit_differs("degC", celsius)
    assert not unit_differs("", celsius)


def test_states_and_conditions_become_numbers_or_words() -> None:
    _, (execution, fault, load) = read_streams(STREAMS)
    wanted = {
        address: by_item([rule(address)], read_items(address))[0]
        for address in ("exec=ACTIVE", "exec=READY", "hot", "load")
    }
    assert values_of(wanted["exec=ACTIVE"]["exec"][0], execution) == [1.0]
    assert values_of(wanted["exec=READY"]["exec"][0], execution) == [0.0]
    assert values_of(wanted["hot"]["hot"][0], fault) == [2.0]
    assert values_of(by_item([rule("hot", text=True)], read_items("hot"))[0]["hot"][0], fault) == ["fault"]
    assert values_of(wanted["load"]["load"][0], load) == ["12.5"]


def read_items(address: str) -> list:  # type: ignore[type-arg]
    name = address.partition("=")[0].encode()
    return read_devices(b'<MTConnectDevices><Header instanceId="1"/><DataItem id="' + name + b'"/></MTConnectDevices>')[
        1
    ]
