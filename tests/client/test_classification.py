from __future__ import annotations

import csv
import json
import socket
from decimal import InvalidOperation

import httpx
import pytest

import unsnag
from unsnag.classification import classify, of_exit_code
from unsnag.failures import error_class

RESPONSE = httpx.Response(503, request=httpx.Request("GET", "http://x"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), "infrastructure"),
        (ConnectionResetError(), "infrastructure"),
        (httpx.ReadTimeout("slow"), "infrastructure"),
        (httpx.ConnectError("refused"), "infrastructure"),
        (httpx.HTTPStatusError("x", request=RESPONSE.request, response=RESPONSE), "infrastructure"),
        (socket.gaierror(), "infrastructure"),
        (OSError(28, "No space left on device"), "infrastructure"),
        (PermissionError(), "infrastructure"),
        (FileNotFoundError("in.csv"), "data"),
        (KeyError("sku"), "data"),
        (ValueError("bad"), "data"),
        (json.JSONDecodeError("x", "y", 0), "data"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "y"), "data"),
        (csv.Error("line contains NUL"), "data"),
        (InvalidOperation(), "data"),
        (ZeroDivisionError(), "unknown"),
        (TypeError("x"), "unknown"),
        (AttributeError("x"), "unknown"),
        (RuntimeError("x"), "unknown"),
        (NotImplementedError(), "unknown"),
        (RuntimeError("connection refused by host"), "infrastructure"),
        (RuntimeError("HTTP 429 from API"), "infrastructure"),
        (unsnag.BusinessError("x"), "business"),
        (unsnag.AutomationError("timed out"), "infrastructure"),
    ],
)
def test_an_errors_class_is_who_can_do_something(error: BaseException, expected: str) -> None:
    assert error_class(error) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, "infrastructure"),
        (503, "infrastructure"),
        (401, "infrastructure"),
        (422, "data"),
        (404, "data"),
        (200, "unknown"),
        (None, "unknown"),
    ],
)
def test_an_http_status_tells(status: int | None, expected: str) -> None:
    assert classify("SomeError", http_status=status) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pydantic_core._pydantic_core.ValidationError", "data"),
        ("jsonschema.exceptions.ValidationError", "data"),
        ("requests.exceptions.ConnectTimeout", "infrastructure"),
        ("java.net.SocketTimeoutException", "infrastructure"),
        ("System.Data.ParseException", "data"),
        ("psycopg.OperationalError", "infrastructure"),
        ("", "unknown"),
    ],
)
def test_names_from_elsewhere_tell(name: str, expected: str) -> None:
    assert classify(name) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (124, "infrastructure"),
        (137, "infrastructure"),
        (143, "infrastructure"),
        (-9, "infrastructure"),
        (75, "infrastructure"),
        (65, "data"),
        (1, "unknown"),
        (28, "unknown"),
    ],
)
def test_an_exit_code_tells(code: int, expected: str) -> None:
    assert of_exit_code(code) == expected
