"""The ways in, as data: what each is for, and the lines to paste. Tests run these lines word for word."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from collectors.registry import registered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_TOKEN: Final = "TOKEN"  # noqa: S105 - stands where the token will
"""What the lines say while no token was created."""
_SENT_AS: Final = "Authorization=Bearer%20"

_CONFIG: Final = "In the config file of the server, `--config unsnag.toml`; then start it again:"

Named = Literal["flow", "service", "source"]
NAMED: Final[Mapping[Named, str]] = {
    "flow": "Name of the flow",
    "service": "Name of the service",
    "source": "Name of the source",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where records go: the server's address, and the token that it asks for, or None."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to paste, in one language, under a sentence that says where."""

    where: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Way:
    """One way in."""

    key: str
    label: str
    icon: str
    meaning: str
    named: Named
    """What the records are known by when they arrive."""
    example: str
    templates: Sequence[Lines]
    more: str
    """The document that says the rest."""

    @property
    def sends(self) -> bool:
        """Whether it sends to the server's address, and needs a token where people sign in."""
        return self.named != "source"

    def lines(self, name: str, place: Place) -> list[Lines]:
        """Return the lines to paste for a name and a server: the client's, the environment's, its own."""
        blocks = [_INSTALL] if self.named == "flow" else []
        if self.sends:
            blocks.append(Lines("Where the records go:", "bash", _environment(self, name, place)))
        own = (Lines(one.where, one.language, one.text.replace("NAME", name)) for one in self.templates)
        return [*blocks, *own]


_INSTALL: Final = Lines(
    "Once, on the machine of the script; `make wheel` builds the file:",
    "bash",
    f"pip install unsnag-{version('unsnag')}-py3-none-any.whl",
)


def _environment(way: Way, name: str, place: Place) -> str:
    if way.named != "service":
        pairs = {"UNSNAG_URL": place.url, "UNSNAG_TOKEN": place.token}
    else:
        pairs = {
            "OTEL_SERVICE_NAME": name,
            "OTEL_EXPORTER_OTLP_ENDPOINT": place.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_HEADERS": place.token and f"{_SENT_AS}{place.token}",
        }
    return "\n".join(f"export {key}={shlex.quote(text)}" for key, text in pairs.items() if text)


PYTHON: Final = Way(
    key="python",
    label="Python script",
    icon=":material/code:",
    meaning="Every line that the script logs carries the order's number, and an error opens an exception.",
    named="flow",
    example="order-to-cash",
    templates=(
        Lines(
            "Around the work on one order, invoice or file, in the script:",
            "python",
            """import unsnag

unsnag.init(flow="NAME")

with unsnag.unit("SO-1001", value=129.90, currency="EUR"):
    ...  # what the script did before""",
        ),
    ),
    more="docs/client.md",
)
SHELL: Final = Way(
    key="shell",
    label="Shell script, cron job",
    icon=":material/terminal:",
    meaning="The script stays as it is. Its exit code, its duration and the end of its output are recorded.",
    named="flow",
    example="nightly-export",
    templates=(Lines("In front of the command:", "bash", "unsnag run --flow NAME -- ./job.sh"),),
    more="docs/client.md",
)
WEB: Final = Way(
    key="web",
    label="Web application, queue",
    icon=":material/web:",
    meaning="Each request or task that works on an order is recorded with its outcome.",
    named="flow",
    example="order-to-cash",
    templates=(
        Lines(
            "For FastAPI and Starlette, where the application is made. `docs/frameworks.md` has the line for "
            "Flask, Django, Celery, RQ, APScheduler, Prefect, AWS Lambda and notebooks:",
            "python",
            """import unsnag
from unsnag.frameworks.asgi import UnitMiddleware

unsnag.init(flow="NAME")
app.add_middleware(UnitMiddleware, unit="/orders/{unit}")""",
        ),
    ),
    more="docs/frameworks.md",
)
OTLP: Final = Way(
    key="opentelemetry",
    label="OpenTelemetry",
    icon=":material/lan:",
    meaning="A program with an OpenTelemetry SDK, or your collector, sends its traces and logs here.",
    named="service",
    example="checkout",
    templates=(
        Lines(
            "Name the order on its spans and log records. Another attribute takes a mapping:",
            "python",
            """from opentelemetry import trace

with trace.get_tracer("NAME").start_as_current_span("charge") as span:
    span.set_attribute("correlation_id", "SO-1001")""",
        ),
    ),
    more="docs/collectors.md",
)


@cache
def ways() -> Mapping[str, Way]:
    """Return the ways in: those that send, then one for each kind of source that the server reads."""
    reading = (
        Way(
            key=kind,
            label=sample.label,
            icon=sample.icon,
            meaning=sample.meaning,
            named="source",
            example=sample.name,
            templates=(Lines(_CONFIG, "toml", sample.lines),),
            more="docs/collectors.md",
        )
        for kind, source in registered().items()
        if (sample := getattr(source.settings, "sample", None)) is not None
    )
    return {way.key: way for way in (PYTHON, SHELL, WEB, OTLP, *reading)}
