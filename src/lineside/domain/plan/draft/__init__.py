"""Draft a plan from a table of past data, with every guess marked."""

from __future__ import annotations

from lineside.domain.plan.draft.drafting import Draft, draft_plan

__all__ = ["Draft", "draft_plan"]
