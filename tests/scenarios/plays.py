"""How each scenario's programs are started, and what is asked of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.scenarios.world import PROGRAMS, World, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.capture import Recording

    Play = Callable[[World], Recording]

_SPANS_AND_LOGS = {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "true"}


# --- web servers ---------------------------------------------------------------------------------


def flask(*paths: str) -> Play:
    """Return the play: the Flask shop under gunicorn, auto-instrumented, answers these requests."""
    return partial(_flask, paths=paths)


def _flask(world: World, paths: tuple[str, ...]) -> Recording:
    port = free_port()
    command = ("opentelemetry-instrument", "gunicorn", "--bind", f"127.0.0.1:{port}", "shop:app")
    with world.serving(*command, port=port, OTEL_SERVICE_NAME="shop", SHOP_PORT=str(port)):
        for path in paths:
            world.post(port, path)
    return world.recording()


__all__ = ["PROGRAMS", "flask"]
