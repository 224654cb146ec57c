"""The plain routes as one FastAPI application, with its OpenAPI description made from the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from server.api import access, audit, cases, problems, retries, system, telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route

_PROBLEM_STATUSES = {
    400: "The request lacks something.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The caller's role does not allow it.",
    404: "There is no such thing.",
    409: "Someone was faster, or the state does not allow it.",
    408: "The body was too slow.",
    410: "The lease was lost.",
    413: "Too large.",
    422: "The request says something that cannot be meant.",
    429: "Too much at once; see Retry-After.",
    503: "The store cannot take it now; try again.",
}


def build(otlp: Sequence[Route] = ()) -> FastAPI:
    """Return the application: REST, health, metrics, and the OTLP receiver's routes."""
    app = FastAPI(
        title="Unsnag",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the bundled page loads its script from elsewhere
        redoc_url=None,
        responses={code: _problem(words) for code, words in _PROBLEM_STATUSES.items()},
    )
    problems.install(app)
    for module in (cases, retries, telemetry, access, audit, system):
        app.include_router(module.router)
    app.router.routes.extend(otlp)
    _describe(app, otlp)
    return app


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
                schema["paths"][route.path] = {"post": _otlp_operation(route.path)}
        return made()

    # FastAPI documents this assignment as the way to extend the description.
    app.openapi = openapi  # type: ignore[method-assign]


def _otlp_operation(path: str) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    answers = {
        "200": "Stored; partialSuccess tells what was not.",
        "400": "The body cannot be decoded.",
        "408": "The body was too slow.",
        "413": "Too large.",
        "415": "Neither protobuf nor JSON.",
        "429": "Too much at once; see Retry-After.",
        "503": "The store is busy; see Retry-After.",
    }
    return {
        "tags": ["otlp"],
        "summary": f"OTLP/HTTP {path.rsplit('/', 1)[-1]}",
        "requestBody": {
            "required": True,
            "content": {"application/x-protobuf": binary, "application/json": {"schema": {"type": "object"}}},
        },
        "responses": {code: {"description": words} for code, words in answers.items()},
    }
