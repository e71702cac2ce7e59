"""Every notifier in every language: no word of English is left that the language's catalogue does not have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final

import pytest

from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.email import EmailNotifier
from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.notifiers.webhook import cloud_event
from lineside.apps.web.language import read_catalogues
from lineside.apps.web.words import tongue
from lineside.cli.notify import _test_message
from lineside.domain.notifying.delivery import Delivered, Outcome
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Channel, Target
from lineside.domain.said import Clause, Kind, Language, Said, Value
from lineside.testing.clocks import A_MOMENT
from lineside.testing.conformance.notifier import message
from lineside.testing.floors import sample_plan
from lineside.testing.peers.endpoints import Endpoint, endpoint, sap, service_now

_CATALOGUES: Final = read_catalogues()
_PLANNED: Final = {
    "Cast": "①",
    "Porosity": "②",
    "Porosity likely on the next parts.": "③",
    "Open cooling valve V3": "④",
    "operator": "⑤",
}
"""The plan's words in each language, without a letter, so that every letter of a message is the notifier's."""
PLAN: Final = sample_plan(words=dict.fromkeys(_CATALOGUES, _PLANNED))
_HTTP: Final[dict[Channel, dict[str, str]]] = {
    Channel.TEAMS: {"url_secret": "key"},
    Channel.SLACK: {"url_secret": "key"},
    Channel.SERVICENOW: {"user": "u", "secret": "key"},
    Channel.SAP: {
        "path": "/odata/Notification",
        "user": "u",
        "secret": "key",
        "correlation_field": "ExternalReference",
        "field.NotificationText": "{title}",
        "field.LongText": "{text} {step} {raised}",
    },
}
_READ: Final = {
    *("text", "title", "short_description", "description", "work_notes", "close_notes"),
    *("NotificationText", "LongText"),
}
"""The fields of a body that people read."""


@dataclass
class Listening:
    """A tongue that notes which sentences it was asked for."""

    language: Language
    said: list[Said] = field(default_factory=list)

    def __call__(self, text: str) -> str:
        if isinstance(text, Said):
            self.said.append(text)
        return tongue(self.language, PLAN)(text)

    def words(self) -> set[str]:
        """Every word that the catalogue has for what was said."""
        known = _CATALOGUES.get(self.language, {})
        found: set[str] = set()
        for pattern, values in clauses_of(self.said):
            texts = [pattern, *(v.value for v in values.values() if isinstance(v, Value) and v.kind is Kind.WORD)]
            for text in texts:
                assert self.language is Language.ENGLISH or text in known, f"no catalogue has: {text}"
                found |= letters(re.sub(r"\{\w+\}", "", known.get(text, text)))
        return found


def clauses_of(said: Iterable[object]) -> Iterator[Clause]:
    """Every clause of sentences, and of the sentences within them."""
    for item in said:
        for clause in item.clauses if isinstance(item, Said) else ():
            yield clause
            yield from clauses_of(clause[1].values())


def letters(text: str) -> set[str]:
    """The words of a text that are written in Latin letters, addresses aside."""
    return set(re.findall(r"[^\W\d_\u4e00-\u9fff]{2,}", re.sub(r"https?://\S+", "", text)))


def told() -> Iterator[Message]:
    """Messages on every occasion, with everything that a message can have."""
    more: dict[str, Any] = {"suspects": tuple(str(118_000 + n) for n in range(30)), "answer": "https://b.example/x"}
    for number, occasion in enumerate(Occasion):
        yield message(number, occasion=occasion, folded=12, **more)
        yield message(number, occasion=occasion, id=f"again {number}", **more)


def read_by_people(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in _READ and isinstance(value, str):
                yield value
            else:
                yield from read_by_people(value)
    elif isinstance(content, list):
        for item in content:
            yield from read_by_people(item)


def check(texts: list[str], speak: Listening) -> None:
    assert texts
    whole = "\n".join(texts)
    if speak.language is Language.ENGLISH:
        assert letters(whole) <= speak.words() | letters(" ".join(_PLANNED))
    else:
        assert letters(whole) <= speak.words()
        assert {"①", "②", "③", "④"} <= set(whole)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("channel", _HTTP)
async def test_what_is_posted_is_in_the_targets_language(channel: Channel, language: Language) -> None:
    usual: dict[Channel, Callable[[], Any]] = {
        Channel.SERVICENOW: service_now,
        Channel.SAP: lambda: sap("ExternalReference"),
    }
    speak = Listening(language)
    async with endpoint(*((usual[channel](),) if channel in usual else ())) as server:
        options = _HTTP[channel] | ({"url": server.url} if channel in usual else {})
        target = Target(id="t", channel=channel, language=language, options=options)
        notifier = notifier_for(target, Poster(inside=("127.0.0.0/8",)), lambda _: server.url, speak)
        for item in told():
            assert isinstance(await notifier.deliver(item), Delivered)
        check(posted(server), speak)
        if channel in {Channel.TEAMS, Channel.SLACK, Channel.SERVICENOW}:
            assert any(f"alerts/1?language={language}" in item.body.decode() for item in server.got)


def posted(server: Endpoint) -> list[str]:
    return [text for item in server.got if item.method != "GET" for text in read_by_people(json.loads(item.body))]


@pytest.mark.parametrize("language", Language)
async def test_a_mail_is_in_the_targets_language(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    mails: list[EmailMessage] = []

    def send(_: EmailNotifier, mail: EmailMessage, *where: object) -> Outcome:
        del where
        mails.append(mail)
        return Delivered()

    monkeypatch.setattr(EmailNotifier, "_send", send)
    speak = Listening(language)
    options = {"host": "127.0.0.1", "from": "a@b.example", "to": "c@d.example", "security": "none"}
    target = Target(id="t", channel=Channel.EMAIL, language=language, options=options)
    notifier = notifier_for(target, Poster(inside=("127.0.0.0/8",)), lambda _: "", speak)
    for item in told():
        assert isinstance(await notifier.deliver(item), Delivered)
    check([text for mail in mails for text in (str(mail["Subject"]), mail.get_content())], speak)
    raised = speak(next(told()).since)
    assert raised in mails[0].get_content()


@pytest.mark.parametrize("language", Language)
def test_an_event_keeps_what_machines_read_and_says_the_rest_in_the_targets_language(language: Language) -> None:
    """The webhook's event, which topics carry too."""
    speak = Listening(language)
    target = Target(id="t", channel=Channel.MQTT, language=language)
    plain = Target(id="t", channel=Channel.MQTT)
    for item in told():
        here, there = cloud_event(target, item, speak), cloud_event(plain, item, str)
        data, other = here.pop("data"), there.pop("data")
        assert here == there
        assert (data["text"], data["step"]) == (speak(item.text), speak(item.step))
        assert data["answer"] == f"{item.answer}?language={language}"
        for name in ("text", "step", "link", "answer"):
            data.pop(name), other.pop(name)
        assert data == other


def test_moments_follow_the_language_and_the_clock_at_the_line() -> None:
    since = message().since
    said = {language: tongue(language, PLAN)(since) for language in Language}
    assert len(set(said.values())) == len(Language)
    assert re.search(r"\d\d\.\d\d\.\d{4} \d\d:\d\d", said[Language.GERMAN])
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", said[Language.CHINESE])


def test_every_kind_of_target_is_looked_at() -> None:
    assert {*_HTTP, Channel.EMAIL, Channel.MQTT, Channel.WEBHOOK} == set(Channel)


@pytest.mark.parametrize(("language", "words"), [(Language.GERMAN, "Dies ist ein Test."), (Language.CHINESE, "测试")])
def test_the_message_that_says_that_it_is_a_test_says_so_in_the_targets_language(
    language: Language, words: str
) -> None:
    test = _test_message(PLAN, A_MOMENT, "https://board.example", tongue(language, PLAN))
    assert words in test.text
    assert letters(test.characteristic_label) <= {"ein", "Test"}
