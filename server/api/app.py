"""The plain routes as one FastAPI application, with its OpenAPI description made from the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI

from server.api import (
    access,
    approvals,
    asking,
    audit,
    batches,
    cases,
    currencies,
    flows,
    groups,
    kpis,
    mappings,
    markers,
    me,
    notices,
    problems,
    queue,
    quotas,
    regrouping,
    retention,
    retries,
    reviews,
    saved_views,
    store,
    system,
    telemetry,
    weeks,
)
from server.refusals import HEALTH, OTLP

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from starlette.routing import Route

_ROUTES: Final = (
    cases,
    queue,
    asking,
    approvals,
    notices,
    me,
    groups,
    regrouping,
    batches,
    saved_views,
    retries,
    telemetry,
    weeks,
    reviews,
    kpis,
    markers,
    currencies,
    flows,
    access,
    audit,
    mappings,
    store,
    retention,
    quotas,
    system,
)
"""In the order in which the description lists them."""
_PROBES: Final = ("/healthz", "/readyz", "/metrics", "/api/v1/events")
"""Requests without a span: probes ask every few seconds, and the stream of events lasts for hours."""
_PROBLEM_STATUSES: Final = {
    400: "The request lacks something.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The caller's role does not allow it.",
    404: "There is no such thing.",
    409: "Someone was faster, or the state does not allow it.",
    408: "The body was too slow.",
    410: "The lease was lost, or the records were removed.",
    413: "Too large.",
    422: "The request says something that cannot be meant.",
    429: "Too much at once; see Retry-After.",
    503: "The store cannot take it now; try again.",
}
_LOCAL: Final = "In local mode the server asks for neither."
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": f"A service's token. {_LOCAL}"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "unsnag",
        "description": f"A person's session; the cookie is called __Host-unsnag over https. {_LOCAL}",
    },
}


_CONFIRMATION: Final = {
    "tags": ["otlp"],
    "operationId": "confirm_record",
    "summary": "Whether a record that its sender names is stored",
    "parameters": [{"name": "record_id", "in": "path", "required": True, "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "`stored`: whether it was stored lately."},
        "404": {"description": "This is no id of a record."},
    },
}


def build(otlp: Sequence[Route] = ()) -> FastAPI:
    """Return the application: REST, health, metrics, and the OTLP receiver's routes."""
    app = FastAPI(
        title="Unsnag",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the bundled page loads its script from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call their functions
        responses={code: _problem(words) for code, words in _PROBLEM_STATUSES.items()},
        # FastAPI makes a span of each request where the operator's environment configures an SDK. The message
        # of an exception is on that span and in our own log; figures are at /metrics.
        telemetry={"logs": False, "metrics": False, "operation_spans": False, "exclude": _is_a_probe},
    )
    problems.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.router.routes.extend(otlp)
    _describe(app, otlp)
    return app


def _is_a_probe(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in _PROBES


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {problems.MEDIA_TYPE: {"schema": schema}}}


def _describe(app: FastAPI, otlp: Sequence[Route]) -> None:
    """Add to the description what FastAPI does not know: problems, and the OTLP routes."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schema["components"]["schemas"]["Problem"] = problems.Problem.model_json_schema()
            for route in otlp:
                is_post = "POST" in (route.methods or ())
                described = {"post": _otlp_operation(route.path)} if is_post else {"get": _CONFIRMATION}
                schema["paths"][route.path] = described
            _secure(schema)
        return made()

    # FastAPI documents this assignment as the way to extend the description.
    app.openapi = openapi  # type: ignore[method-assign]


def _secure(schema: dict[str, Any]) -> None:
    schema["components"]["securitySchemes"] = _SCHEMES
    for path, item in schema["paths"].items():
        if path not in HEALTH:
            kinds = ("token",) if path.startswith(OTLP) else ("token", "session")
            for operation in item.values():
                operation["security"] = [{kind: []} for kind in kinds]


def _otlp_operation(path: str) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    answers = {
        "200": "Stored; partialSuccess reports what was rejected.",
        "400": "The body cannot be decoded.",
        "408": "The body was too slow.",
        "413": "Too large.",
        "415": "Neither protobuf nor JSON.",
        "429": "Too much at once; see Retry-After.",
        "503": "The store is busy; see Retry-After.",
    }
    return {
        "tags": ["otlp"],
        "operationId": f"send_{path.rsplit('/', 1)[-1]}",
        "summary": f"OTLP/HTTP {path.rsplit('/', 1)[-1]}",
        "requestBody": {
            "required": True,
            "content": {"application/x-protobuf": binary, "application/json": {"schema": {"type": "object"}}},
        },
        "responses": {code: {"description": words} for code, words in answers.items()},
    }
