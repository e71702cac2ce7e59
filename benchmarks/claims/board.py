"""`board`: live updates of 2 KB, one a second, to many browsers; CPU time of the server per update delivered."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name=f"board {clients:,} live clients",
        unit="us CPU/update",
        better="lower",
        subjects=(
            Subject(name="lineside", module="board_clients", options={"kind": "lineside"}),
            Subject(name="limit", module="board_clients", options={"kind": "asyncio"}),
            Subject(name="starlette on uvicorn", module="board_clients", options={"kind": "starlette"}),
        ),
        parameters={"clients": clients},
        cores=2,
    )
    for clients in (200, 1_000)
]
