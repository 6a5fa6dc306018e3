"""The description of the interface for programs, made from the table of routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from catalog.version import __version__
from catalog.web.route import OPEN, Binary, Route

USUAL: dict[int, str] = {
    400: "what was sent is no JSON",
    401: "nobody is logged in",
    403: "one may not do that",
    411: "the length of what is sent is not stated",
    413: "what was sent is too long",
    415: "what was sent is no JSON",
    421: "the address is none of the catalog's",
    422: "something of it cannot be meant",
    429: "too often",
    503: "the index cannot be reached",
}
"""What any route may answer."""
_MEANT: dict[int, str] = {
    404: "there is no such thing",
    409: "something speaks against it",
    412: "it has changed since",
    416: "there is no such part",
}
_PREFIX = "#/components/schemas/"


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a request was not answered, and what to do next."""

    error: str
    hint: str = ""


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes that programs may use."""
    types = [t for route in routes for t in (route.query, route.body, route.answer) if _is_type(t)]
    schemas, components = msgspec.json.schema_components(
        [*types, Problem], ref_template=_PREFIX + "{name}"
    )
    by_type = dict(zip([*types, Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, by_type, components)
        paths.setdefault(route.template, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Catalog", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-catalog"},
            },
        },
    }


def _is_type(value: Any) -> bool:
    return value is not None and not isinstance(value, Binary)


def _operation(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [
            *(_path_parameter(name) for name in route.parameters),
            *_query_parameters(route, schemas, components),
        ],
        "responses": {
            **_answers(route, schemas),
            **{
                str(status): _problem({**USUAL, **_MEANT}[status], schemas)
                for status in (*USUAL, *route.refusals)
            },
        },
        "security": [] if route.scope == OPEN else [{"token": []}, {"session": []}],
        "x-scope": route.scope,
    }
    if route.body is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[route.body]}},
        }
    return told


def _operation_id(route: Route) -> str:
    words = [part.strip("{}").replace(".", "_") for part in route.template.split("/") if part]
    return "_".join([route.method.lower(), *words])


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(
    route: Route, schemas: dict[Any, Any], components: dict[str, Any]
) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    shape = components[schemas[route.query]["$ref"].removeprefix(_PREFIX)]
    required = shape.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in shape["properties"].items()
    ]


def _answers(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    if route.answer is None:
        return {"204": {"description": "done"}}
    if isinstance(route.answer, Binary):
        content = {route.answer.media_type: {"schema": {"type": "string", "format": "binary"}}}
        told = {"description": route.answer.summary, "content": content}
        return {str(status): told for status in (route.status, *route.other_statuses)}
    content = {"application/json": {"schema": schemas[route.answer]}}
    return {str(route.status): {"description": route.summary, "content": content}}


def _problem(meaning: str, schemas: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schemas[Problem]}}
    return {"description": meaning, "content": content}
