"""`lineside gateway enrol`: make this device a gateway of a plant, by the token that its plant has made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.adapters.clocks import SystemClock
from lineside.adapters.durable_files import replace_file
from lineside.adapters.gateway_identity import Identity
from lineside.apps.gateway.enrol import accept, draft_request, rotate
from lineside.apps.gateway.enrol import enrol as ask_plant
from lineside.apps.layout import Layout
from lineside.cli.options import data_option, plain_lab_option
from lineside.domain.errors import InputError
from lineside.wire.enrolment import EnrolToken, decode_token
from lineside.wire.signed import key_id


@click.command("enrol")
@click.argument("token", default="")
@click.option("--url", default="", help="Where the transport is, where the token's own address is not the one to use.")
@click.option("--request", type=click.Path(path_type=Path), help="Only write the request, to be carried to the plant.")
@click.option("--answer", type=click.Path(path_type=Path, exists=True), help="Take the answer that was carried back.")
@click.option("--rotate", "rotating", is_flag=True, help="Change the key of this gateway, which is enrolled already.")
@data_option
@plain_lab_option
def enrol(
    token: str, url: str, request: Path | None, answer: Path | None, rotating: bool, data: Path, plain_lab: bool
) -> None:
    """Enrol this device with TOKEN (the text, or a file that holds it); its private keys never leave it."""
    layout, now = Layout(data), SystemClock().now()
    if rotating:
        _say(asyncio.run(rotate(layout, now)), "has a new key")
        return
    found = _token(token)
    if request is not None:
        replace_file(request, draft_request(found, layout, now)[1])
        click.echo(f"{request}: at the plant, `lineside gateways answer {request.name} --out answer.json`")
    elif answer is not None:
        _say(accept(draft_request(found, layout, now)[0], layout, answer.read_bytes(), now), "is enrolled")
    else:
        _say(asyncio.run(ask_plant(found, layout, now, url=url, lab=plain_lab)), "is enrolled")


def _token(text: str) -> EnrolToken:
    """Return the token in a text, or in the file of that name (which keeps it out of the shell's memory)."""
    if not text:
        raise InputError("no token is given", next_step="lineside gateway enrol TOKEN, or a file that holds it")
    path = Path(text)
    if len(text) < 256 and path.exists():
        text = path.read_text(encoding="ascii", errors="replace")
    return decode_token(text)


def _say(identity: Identity, what: str) -> None:
    facts = identity.facts
    click.echo(f"{facts.gateway} {what}, for line {facts.line} of {facts.site} at {facts.url}")
    click.echo(f"plant's key: {key_id(bytes.fromhex(facts.plant))}")
