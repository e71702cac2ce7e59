"""What a server's refusal means for the person who connects a machine, by the name of its status code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refused:
    """The step at which a server refused, and what to do about it."""

    step: str
    next_step: str


class RefusedError(ConnectionError):
    """There is no session: what was seen, the step at which it ended, and what to do."""

    def __init__(self, seen: str, meant: Refused) -> None:
        super().__init__(seen)
        self.step = meant.step
        self.next_step = meant.next_step

    @property
    def advice(self) -> str:
        """What was seen and what to do, in one line."""
        return f"{self}; {self.next_step}"


_OUR_CERTIFICATE: Final = Refused(
    "certificate", "let the machine's server trust this gateway's certificate: move it from 'rejected' to 'trusted'"
)
_LOGIN: Final = Refused(
    "log in", "are the plan's username and its secret right, and does the server know and permit this user?"
)
_POLICY: Final = Refused("security", "switch the plan's policy on at the machine's server, or take one that it offers")
_BUSY: Final = Refused("session", "the server has no session left: close other clients, or raise its limit")
_TOO_LARGE: Final = Refused("session", "the server's limits are too small: ask for fewer signals")

REFUSALS: Final[dict[str, Refused]] = {
    "BadSecurityChecksFailed": _OUR_CERTIFICATE,
    "BadCertificateUntrusted": _OUR_CERTIFICATE,
    "BadCertificateInvalid": _OUR_CERTIFICATE,
    "BadCertificateUriInvalid": _OUR_CERTIFICATE,
    "BadCertificateTimeInvalid": Refused("certificate", "look at both clocks, and at the days of both certificates"),
    "BadCertificateUseNotAllowed": _OUR_CERTIFICATE,
    "BadIdentityTokenInvalid": _LOGIN,
    "BadIdentityTokenRejected": _LOGIN,
    "BadUserAccessDenied": _LOGIN,
    "BadUserSignatureInvalid": _LOGIN,
    "BadSecurityPolicyRejected": _POLICY,
    "BadSecurityModeRejected": _POLICY,
    "BadSecurityModeInsufficient": _POLICY,
    "BadTooManySessions": _BUSY,
    "BadTcpNotEnoughResources": _BUSY,
    "BadResponseTooLarge": _TOO_LARGE,
    "BadTcpEndpointUrlInvalid": Refused("session", "the path behind host and port in the plan's url is another one"),
    "BadNodeIdUnknown": Refused("node", "browse the server for the right id: lineside source browse URL"),
    "BadNodeIdInvalid": Refused("node", "a node id reads like 'ns=2;s=Press.Force' or 'ns=2;i=1001'"),
    "BadNotReadable": Refused("node", "let the server permit this user to read the node"),
    "BadAttributeIdInvalid": Refused("node", "this node has no value: it is a folder or an object; take one below it"),
}
"""By status code (OPC UA Part 4, 7.39.2 and Part 6, 7.1.5)."""

UNKNOWN: Final = Refused("session", "does an OPC UA server listen at this port? Look into its log, too")


def meaning_of(error: BaseException | None) -> Refused:
    """Return what a refusal means, found by the names of the error and of those that led to it."""
    while error is not None:
        found = REFUSALS.get(type(error).__name__) or next(
            (refused for name, refused in REFUSALS.items() if name in str(error)), None
        )
        if found is not None:
            return found
        error = error.__cause__
    return UNKNOWN
