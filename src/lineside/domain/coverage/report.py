"""A report of coverage: as lines, as one JSON object, and as a page for a browser."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import Any, Final

from lineside.domain.coverage.facts import Coverage
from lineside.domain.coverage.gaps import Finding, range_words
from lineside.domain.coverage.plots import condition_plot, pair_plot

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "svg{width:100%;max-width:44rem;height:auto;display:block;margin:1rem 0}"
)
COMPLETE: Final = "Parts were seen in every band of the declared envelope."


def coverage_lines(title: str, coverage: Coverage, found: tuple[Finding, ...]) -> tuple[str, ...]:
    """Return the report as lines of text: what was seen of each condition, then the gaps."""
    lines = [f"{title}: {coverage.parts} parts"]
    lines += [f"  {item.label}: {range_words(item)}" for item in coverage.conditions]
    return (
        *lines,
        *(f"  - {item.text}" for item in found),
        *(() if found or not _declared(coverage) else (f"  {COMPLETE}",)),
    )


def coverage_object(coverage: Coverage, found: tuple[Finding, ...]) -> dict[str, Any]:
    """Return the coverage as what ``--json`` prints."""
    gaps = [
        {"signals": item.signals, "text": item.text, "share": None if item.share is None else asdict(item.share)}
        for item in found
    ]
    return {**asdict(coverage), "gaps": gaps}


def coverage_html(title: str, stations: tuple[tuple[str, Coverage, tuple[Finding, ...]], ...]) -> str:
    """Return the coverage of stations, by name, as one page; it loads nothing."""
    pieces = []
    for name, coverage, found in stations:
        gaps = "".join(f"<li>{escape(item.text)}</li>" for item in found)
        nothing = f"<li>{COMPLETE}</li>" if _declared(coverage) else "<li>The plan declares no envelope.</li>"
        plots = "".join(condition_plot(item) for item in coverage.conditions)
        plots += "".join(pair_plot(coverage, item) for item in coverage.pairs)
        pieces.append(f"<h2>{escape(name)}: {coverage.parts} parts</h2><ul>{gaps or nothing}</ul>{plots}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Coverage of {escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>What the data of {escape(title)} has seen</h1>{''.join(pieces)}</html>\n"
    )


def _declared(coverage: Coverage) -> bool:
    return any(item.declared is not None for item in coverage.conditions)
