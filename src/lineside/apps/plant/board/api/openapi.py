"""The interface's description of itself (OpenAPI 3.1), made from the same table and types as its routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lineside import __version__
from lineside.apps.plant.board.api.operations import Operation
from lineside.apps.plant.board.api.types import Credentials, Problem, SessionView
from lineside.apps.plant.board.guard import PUBLIC, TOKEN_HEADER

PREFIX: Final = "/api/v1"
_PROBLEMS: Final = {
    401: "Nobody is logged in, or name and password are wrong",
    403: "The role does not allow it, or the token is missing",
    404: "There is none of that name",
    409: "Somebody else was faster",
    413: "Too large",
    415: "Not JSON",
    422: "Something is not as this description says",
    429: "Too many; come back later",
    503: "It could not be made durable, so it did not happen",
}


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of the operations."""
    kinds = [kind for item in operations for kind in (item.answer, item.body) if kind is not None]
    kinds += [Problem, Credentials, SessionView]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for item in operations:
        path = PREFIX + plain_path(item.path)
        paths.setdefault(path, {})[item.method.lower()] = _operation(item, by_kind)
    paths[f"{PREFIX}/session"] |= _logging_in(by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lineside board",
            "version": __version__,
            "description": "What the board shows, as JSON. Times are UTC nanoseconds. Log in first; every request "
            "that changes something carries the session's token in the header X-CSRF-Token.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "lineside"}},
        },
    }


def plain_path(path: str) -> str:
    """Return a route's path without the kinds of its parameters."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _operation(item: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)", item.path)
    in_path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    described: dict[str, Any] = {
        "summary": item.summary,
        "operationId": f"{item.method.lower()}{''.join(part.title() for part in re.findall(r'[a-z]+', item.path))}",
        "parameters": [*in_path, *_query(item.query)],
        "responses": {str(item.status): _answer(schemas[repr(item.answer)]), **_problems(item)},
        "security": [] if item.allow == PUBLIC else [{"session": []}],
    }
    if item.method != "GET":
        described["parameters"].append(
            {"name": TOKEN_HEADER, "in": "header", "required": True, "schema": {"type": "string"}}
        )
    if item.body is not None:
        described["requestBody"] = _body(schemas[repr(item.body)])
    return described


def _logging_in(schemas: dict[str, Any]) -> dict[str, Any]:
    credentials, session = schemas[repr(Credentials)], schemas[repr(SessionView)]
    return {
        "post": {
            "summary": "Log in; the answer sets the session's cookie",
            "operationId": "logIn",
            "requestBody": _body(credentials),
            "responses": {"201": _answer(session), **_listed((401, 403, 413, 415, 422, 429, 503))},
            "security": [],
        },
        "delete": {
            "summary": "Log out",
            "operationId": "logOut",
            "parameters": [{"name": TOKEN_HEADER, "in": "header", "required": True, "schema": {"type": "string"}}],
            "responses": {"204": {"description": "Logged out"}, **_listed((401, 403, 413, 415, 503))},
            "security": [{"session": []}],
        },
    }


def _query(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    (_,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    fields = components[kind.__name__].get("properties", {})
    return [{"name": name, "in": "query", "schema": _without_null(schema)} for name, schema in fields.items()]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: one that is not given is left out, never sent as null."""
    if "anyOf" not in schema:
        return schema
    return next(choice for choice in schema["anyOf"] if choice.get("type") != "null")


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Answered", "content": {"application/json": {"schema": schema}}}


def _problems(item: Operation) -> dict[str, Any]:
    codes = [401, 403, 404, 422, 503]
    if item.method != "GET":
        codes += [409, 413, 415]
    return _listed(sorted(codes))


def _listed(codes: Sequence[int]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(code): {"description": _PROBLEMS[code], "content": content} for code in codes}
