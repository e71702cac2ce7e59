"""The language that somebody reads: theirs wherever they log in, a browser's before that."""

from __future__ import annotations

from pathlib import Path

from board_client import client_of
from lineside.domain.access import AccessRole
from lineside.testing.boards import make_bench


async def test_it_goes_with_the_account_to_another_browser(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        assert (await client.send_form("/", "/language", language="de")).status_code == 303
        assert '<html lang="de"' in (await client.get("/alerts")).text
    async with client_of(bench, "10.0.0.6") as elsewhere:
        elsewhere.headers["accept-language"] = "es"
        assert '<html lang="es"' in (await elsewhere.get("/login")).text
        await elsewhere.log_in("operator")
        assert '<html lang="de"' in (await elsewhere.get("/alerts")).text
    bench.state.close()


async def test_a_stranger_chooses_on_the_login_page_and_only_what_there_is(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        answer = await client.send_form("/login", "/login/language", language="pt")
        assert answer.headers["location"] == "/login"
        assert '<html lang="pt"' in (await client.get("/login")).text
        await client.send_form("/login", "/login/language", language="xx")
        assert '<html lang="en"' in (await client.get("/login")).text
    bench.state.close()
