"""What msgspec raises at bytes that it cannot read."""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""A text that is no UTF-8 is not reported by an error of msgspec's own, and neither is nesting without end."""
