"""`poll`: one poll of a machine with 60 values, from the request to readings, by CPU time of the asking side."""

from measuring.works import Subject, Work

_KINDS = {"modbus": "pymodbus", "rest": "httpx and json", "mtconnect": "httpx and ElementTree"}

WORKS = [
    Work(
        name=f"poll {kind} 60 values",
        unit="us CPU",
        better="lower",
        subjects=(
            Subject(name="lineside", module="poll_lineside"),
            Subject(name=f"limit ({library})", module="poll_library"),
        ),
        parameters={"kind": kind},
    )
    for kind, library in _KINDS.items()
]
