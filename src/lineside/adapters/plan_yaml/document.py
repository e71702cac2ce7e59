"""A YAML text to plain values, with the line and column of each, and nothing that YAML could smuggle in.

Values are built here from the parser's nodes: only mappings, lists, texts, numbers, truth values and nothing; no tag
of the writer's choosing is ever looked up. A key that is written twice, a tag, a merge key or an alias that
contains itself is a finding. Aliases are followed, but the whole document may not grow beyond `MOST_VALUES`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lineside.domain.plan.findings import Finding, Path

MOST_VALUES: Final = 200_000
"""Values that a document may hold once its aliases are followed."""
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Document:
    """Plain values, where they stand (line and column from 1), and what is wrong with the text itself."""

    data: Any = None
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Return where a value (or its key) stands, or else the nearest thing around it; (1, 1) for the whole."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), 0, -1):
            found = first.get(path[:length]) or second.get(path[:length])
            if found is not None:
                return found
        return (1, 1)


class _TooLargeError(Exception):
    """The document grows beyond what a plan can be."""


def read_document(text: str) -> Document:
    """Return the document of a YAML text; whatever is wrong with it is among its findings."""
    document = Document()
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is not None:
            document.data = _Builder(document).build(root, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        document.findings.append(_finding("yaml", (), _words(error), place, _hint(text, place[0])))
    except RecursionError:
        document.findings.append(_finding("yaml", (), "nested too deeply", (1, 1)))
    except _TooLargeError:
        problem = f"more than {MOST_VALUES:,} values once its aliases are followed"
        document.findings.append(_finding("yaml", (), problem, (1, 1), "write the plan without aliases"))
    except Exception as error:  # noqa: BLE001 (a foreign parser may fail on garbage in any way, and each is a mistake)
        problem = f"not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        document.findings.append(_finding("yaml", (), problem[:300], (1, 1)))
    return document


def _words(error: MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"


def _hint(text: str, line: int) -> str:
    lines = text.split("\n")
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in shown:
        return "indent by spaces, not tabs"
    return "look at indentation, and put quotes around texts with ': ' or '#'" if ":" in shown else ""


def _finding(code: str, path: Path, problem: str, place: tuple[int, int], next_step: str = "") -> Finding:
    return Finding(code=code, path=path, problem=problem, line=place[0], column=place[1], next_step=next_step)


@dataclass(slots=True)
class _Builder:
    """Builds values from nodes and notes where they stand."""

    document: Document
    open_nodes: set[int] = field(default_factory=set)
    built: int = 0

    def build(self, node: Node, path: Path) -> Any:
        self.built += 1
        if self.built > MOST_VALUES:
            raise _TooLargeError
        self.document.values.setdefault(path, _at(node))
        if id(node) in self.open_nodes:
            self._note(node, path, "an alias that contains itself")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self.open_nodes.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self.open_nodes.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        self._plain_tag(node, path, "map")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            below = (*path, key)
            if key in result:
                line = self.document.keys[below][0]
                self._note(key_node, below, f"written twice; first on line {line}", "remove one of the two")
                continue
            self.document.keys[below] = _at(key_node)
            result[key] = self.build(value_node, below)
        return result

    def _key(self, node: Node, path: Path) -> str | None:
        if not isinstance(node, ScalarNode):
            self._note(node, path, "a key must be a name")
            return None
        if node.tag == f"{_TAG}merge":
            self._note(node, path, "merge keys ('<<') are not part of a plan", "write the fields out")
            return None
        return self._text(node, path)

    def _sequence(self, node: Node, path: Path) -> list[Any]:
        assert isinstance(node, SequenceNode)
        self._plain_tag(node, path, "seq")
        return [self.build(item, (*path, position)) for position, item in enumerate(node.value)]

    def _plain_tag(self, node: Node, path: Path, kind: str) -> None:
        if node.tag != f"{_TAG}{kind}":
            self._note(node, path, f"tags such as {node.tag!r} are not part of a plan", "remove the tag")

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
        if kind in {"str", "timestamp"}:
            return self._text(node, path)
        try:
            return _SCALARS[kind](text)
        except KeyError:
            self._note(node, path, f"tags such as {node.tag!r} are not part of a plan", "remove the tag")
        except ValueError:
            self._note(node, path, f"not a number that can be used: {text[:40]!r}")
        return None

    def _text(self, node: ScalarNode, path: Path) -> str:
        """Return a text; halves of characters that escapes can write are joined, and refused where they stay alone."""
        try:
            return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._note(node, path, "half a character", "write the character itself")
            return ""

    def _note(self, node: Node, path: Path, problem: str, next_step: str = "") -> None:
        self.document.findings.append(_finding("yaml", path, problem, _at(node), next_step))


def _at(node: Node) -> tuple[int, int]:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _integer(text: str) -> int:
    plain = text.replace("_", "").lower()
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if plain.lstrip("+-").startswith(prefix):
            return int(plain, base)
    return int(plain)


def _real(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.lstrip("+-") in {".inf", ".nan"}:
        return -math.inf if plain == "-.inf" else float(plain.lstrip("+-").removeprefix("."))
    return float(plain)


def _nothing(text: str) -> None:
    del text


_SCALARS: Final = {
    "int": _integer,
    "float": _real,
    "bool": lambda text: text.lower() == "true",
    "null": _nothing,
}
