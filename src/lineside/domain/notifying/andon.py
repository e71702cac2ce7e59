"""Where the state of a line stands for HMIs and stack lights: metrics of an edge node, published and never read."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.domain.said import Language


@dataclass(frozen=True, kw_only=True, slots=True)
class AndonNode:
    """An edge node of Sparkplug B at a broker: ``group``/``edge``, with one device that is named after the line.

    ``stations`` are those that it tells of (empty: all). ``secret`` only names the password of ``user``. ``authority``
    is the file of a certificate's authority where it is the company's own.
    """

    id: str
    host: str
    port: int
    group: str
    edge: str
    tls: bool = False
    authority: str = ""
    user: str = ""
    secret: str = ""
    stations: tuple[str, ...] = ()
    language: Language = Language.ENGLISH
