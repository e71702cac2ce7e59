"""Notifiers: one for each channel, behind one port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from lineside.adapters.notifiers.email import EmailNotifier
from lineside.adapters.notifiers.mqtt import MqttNotifier
from lineside.adapters.notifiers.posting import ChatNotifier, Poster
from lineside.adapters.notifiers.sap import SapNotifier
from lineside.adapters.notifiers.servicenow import ServiceNowNotifier
from lineside.adapters.notifiers.slack import slack_body
from lineside.adapters.notifiers.teams import card_body
from lineside.adapters.notifiers.webhook import WebhookNotifier
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.routing import Channel, Target
from lineside.domain.said import Tongue
from lineside.ports import Notifier

Secrets = Callable[[str], str]
"""Gives the secret of that name as it is now: a secret that was changed is used at the next message."""

_FIELDS: Mapping[Channel, tuple[frozenset[str], frozenset[str]]] = {
    Channel.WEBHOOK: (frozenset({"url", "secret"}), frozenset({"authority"})),
    Channel.TEAMS: (frozenset({"url_secret"}), frozenset({"authority"})),
    Channel.SLACK: (frozenset({"url_secret"}), frozenset({"authority"})),
    Channel.EMAIL: (
        frozenset({"host", "from", "to"}),
        frozenset({"port", "security", "user", "secret", "authority"}),
    ),
    Channel.MQTT: (
        frozenset({"host", "topic"}),
        frozenset({"port", "tls", "user", "secret", "authority", "retain"}),
    ),
    Channel.SERVICENOW: (frozenset({"url", "user", "secret"}), frozenset({"authority", "assignment_group"})),
    Channel.SAP: (
        frozenset({"url", "path", "user", "secret", "correlation_field"}),
        frozenset({"authority", "client"}),
    ),
}
"""What each channel needs, and what it may have besides. SAP's ``field.NAME`` options are the map of its fields."""


def check_options(target: Target, where: str) -> None:
    """Check that a target has the options of its channel, and no others.

    Raises:
        ConfigurationError: one is missing or unknown.
    """
    needed, optional = _FIELDS[target.channel]
    given = {name for name, value in target.options.items() if value}
    for name in sorted(needed - given):
        raise ConfigurationError(f"a target of the kind '{target.channel}' needs it", field=f"{where}.{name}")
    known = needed | optional
    for name in sorted(given - known):
        if not (target.channel is Channel.SAP and name.startswith("field.")):
            raise ConfigurationError("no such option", field=f"{where}.{name}", choices=tuple(sorted(known)))


def notifier_for(target: Target, poster: Poster, secrets: Secrets, speak: Tongue) -> Notifier:
    """Return the notifier of a target; ``speak`` says texts in the target's language."""
    makers: Mapping[Channel, Callable[[Target, Poster, Secrets, Tongue], Notifier]] = {
        Channel.WEBHOOK: WebhookNotifier,
        Channel.TEAMS: partial(ChatNotifier, body=card_body),
        Channel.SLACK: partial(ChatNotifier, body=slack_body),
        Channel.EMAIL: EmailNotifier,
        Channel.MQTT: MqttNotifier,
        Channel.SERVICENOW: ServiceNowNotifier,
        Channel.SAP: SapNotifier,
    }
    return makers[target.channel](target, poster, secrets, speak)
