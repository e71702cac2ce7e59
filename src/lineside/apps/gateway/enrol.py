"""The device's side of enrolment: keys are made here, the public halves are sent, the plant is pinned.

1. read the token, and refuse one that is over by this device's own clock;
2. make the keys, in a draft that the same token finds again;
3. sign in at the transport with the token, send the signed request, and check that the plant of the token answered;
4. put the draft in the identity's place.

Without a connection the request can be carried to the plant as a file, and its answer back.
"""

from __future__ import annotations

from pathlib import Path

from lineside.adapters.gateway_identity import (
    Identity,
    draft_identity,
    install_identity,
    load_identity,
    next_seed,
    next_signer,
    take_next,
)
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.release_keys import believe
from lineside.adapters.tls_authority import authority_pem
from lineside.apps.layout import Layout
from lineside.domain.errors import ConfigurationError, InputError, UnavailableError
from lineside.domain.units import MINUTE
from lineside.wire.enrolment import (
    EnrolRequest,
    EnrolToken,
    KeyRotation,
    sign_request,
    sign_rotation,
    verify_answer,
    watermark_key,
)
from lineside.wire.nkeys import user_seed
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects, enrolment, inbox

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 10.0


async def enrol(token: EnrolToken, layout: Layout, now: int, *, url: str = "", lab: bool = False) -> Identity:
    """Enrol this device over the network, and return who it is from now on.

    Args:
        token: as it was carried here.
        layout: where the gateway keeps its things.
        now: the time, UTC ns.
        url: where the transport is, where the token's address is not the one to use.
        lab: allow a connection without TLS beyond loopback.

    Raises:
        InputError: the plant refuses, with its reason, or the token is over.
        UnavailableError: the plant does not answer.
        IntegrityError: somebody else than the token's plant answered.
    """
    draft, request = draft_request(token, layout, now)
    address = NatsAddress(
        url=url or token.url,
        seed=user_seed(token.secret),
        inbox=inbox(token.id),
        authority=draft.authority,
        lab=lab,
    )
    bus = await NatsBus.open(address, name=f"enrol {token.gateway}", within=_CONNECT_SECONDS)
    try:
        answer = await bus.request(enrolment(token.site, token.id), request, _ANSWER_SECONDS)
    except UnavailableError as error:
        raise UnavailableError(
            f"the plant does not answer: {bus.problem}",
            field="url",
            value=address.url,
            next_step="check the address, that the plant runs, and that the token was not used or withdrawn",
        ) from error
    finally:
        await bus.close()
    return accept(draft, layout, answer, now)


def draft_request(token: EnrolToken, layout: Layout, now: int) -> tuple[Identity, bytes]:
    """Make this device's keys, and return its draft identity and the signed request for the plant.

    Raises:
        InputError: the token is over by this device's clock.
    """
    if now >= token.expires:
        raise InputError(
            f"the token expired {(now - token.expires) / MINUTE:.0f} min ago by this device's clock",
            next_step="have a new one made, or set the clock",
        )
    layout.identity.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = authority_pem(token.authority) if token.authority else b""
    draft = draft_identity(layout.identity, token, authority, now)
    signer = draft.signer
    request = EnrolRequest(
        token=token.id,
        gateway=token.gateway,
        site=token.site,
        line=token.line,
        key=signer.public,
        exchange=draft.exchange_public,
        time=now,
    )
    return draft, sign_request(request, Signer(token.secret), signer)


def accept(draft: Identity, layout: Layout, answer: bytes, now: int) -> Identity:
    """Take the plant's answer, and return who this device is from now on.

    Raises:
        InputError: the plant refused, with its reason.
        IntegrityError: the answer is for another device, or not from the plant that the token names.
    """
    said = verify_answer(answer, bytes.fromhex(draft.facts.plant), now)
    if said.refused:
        raise InputError(f"the plant refuses: {said.refused}", field="gateway", value=draft.facts.gateway)
    if said.key != draft.signer.public:
        raise InputError("the answer is for another device", field="gateway", value=draft.facts.gateway)
    if said.trusted:
        believe(layout.keys, said.trusted)
    return install_identity(draft, layout.identity)


async def rotate(layout: Layout, now: int) -> Identity:
    """Give this gateway a new key, which the plant takes in place of the old one; the running process takes it up.

    Raises:
        ConfigurationError: the device is not enrolled.
        UnavailableError: the plant does not answer; the old key holds, and asking again goes on where this ended.
    """
    identity = known_identity(layout)
    old, new = identity.signer, next_signer(identity)
    data = sign_rotation(KeyRotation(gateway=identity.facts.gateway, key=new.public, time=now), old, new)
    for seed in (identity.seed_file, next_seed(identity)):  # the second, where the answer was lost last time
        bus = await NatsBus.open(address_of(identity, seed=seed), name="rotate", within=_CONNECT_SECONDS / 2)
        try:
            if bus.is_connected:
                subject = subjects_of(identity).rotation
                answer = verify_answer(await bus.request(subject, data, _ANSWER_SECONDS), _plant(identity), now)
                if answer.refused or answer.key != new.public:
                    raise InputError(f"the plant refuses: {answer.refused}", field="gateway")
                if answer.trusted:
                    believe(layout.keys, answer.trusted)
                take_next(identity)
                return identity
        finally:
            await bus.close()
    raise UnavailableError("the plant cannot be reached, or no longer knows this gateway", value=identity.facts.url)


def known_identity(layout: Layout) -> Identity:
    """Return who this device is; raises `ConfigurationError` where it is not enrolled."""
    identity = load_identity(layout.identity)
    if identity is None:
        raise ConfigurationError(
            "this device is not enrolled", where=str(layout.identity), next_step="lineside gateway enrol TOKEN"
        )
    return identity


def address_of(identity: Identity, *, url: str = "", seed: str | Path = "", lab: bool = False) -> NatsAddress:
    """Return where the transport is for an enrolled gateway, and by what it signs in."""
    return NatsAddress(
        url=url or identity.facts.url,
        seed=seed or identity.seed_file,
        inbox=inbox(identity.facts.gateway),
        authority=identity.authority,
        lab=lab,
    )


def subjects_of(identity: Identity) -> Subjects:
    """Return the subjects of an enrolled gateway."""
    return Subjects(identity.facts.site, identity.facts.line, identity.facts.gateway)


def watermark_key_of(identity: Identity, subjects: Subjects) -> bytes:
    """Return the key by which this gateway checks its watermarks.

    Raises:
        ConfigurationError: it is enrolled for another line than the one it is to run.
    """
    if subjects != subjects_of(identity):
        facts = identity.facts
        raise ConfigurationError(
            f"enrolled as {facts.gateway} for line {facts.line} of {facts.site}, and not for this plan or name",
            field="gateway",
            value=f"{subjects.site}/{subjects.line}/{subjects.gateway}",
            next_step="run it with the plan of its line, or enrol it again",
        )
    return watermark_key(identity.exchange, bytes.fromhex(identity.facts.exchange), identity.facts.gateway)


def _plant(identity: Identity) -> bytes:
    return bytes.fromhex(identity.facts.plant)
