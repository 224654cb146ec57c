"""Read the settings of a flow from YAML, and say line by line what is wrong and what has no effect."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from collectors.mapping_text import Fault
from data.nouns import noun
from flows import model
from flows.model import FlowSettings, UnknownTargetError
from flows.tree import BadFlowError, parse

if TYPE_CHECKING:
    from flows.tree import Tree

_BLOCKS: Final[dict[str, type[BaseModel]]] = {
    "service_levels": model.ServiceLevel,
    "targets": model.Target,
}


@dataclass(frozen=True, slots=True)
class Lint:
    """What a text describes, or why it describes none; `notes`: keys of a kept text that have no effect."""

    settings: FlowSettings | None
    faults: list[Fault]
    notes: list[Fault]


def lint(text: str, flow: str | None = None, *, kept: bool = False) -> Lint:
    """Look at a text; nothing is raised.

    Args:
        text: The YAML of one file.
        flow: The flow that it is for; None: any.
        kept: It is a version in the store, which an earlier program may have taken with keys that do nothing.
    """
    try:
        settings, tree = _read(text, flow, kept=kept)
    except BadFlowError as error:
        return Lint(None, list(error.faults), [])
    return Lint(settings, [], _notes(tree))


def read(text: str, flow: str | None = None, file: str | None = None) -> FlowSettings:
    """Return the settings that a text describes.

    Raises:
        BadFlowError: it describes none; each fault has its line and advice, the message names the file.
    """
    try:
        return _read(text, flow)[0]
    except BadFlowError as error:
        raise BadFlowError(list(error.faults), file) from None


def _read(text: str, flow: str | None, *, kept: bool = False) -> tuple[FlowSettings, Tree]:
    tree = parse(text)
    if not isinstance(tree.values, dict):
        raise BadFlowError([Fault(1, "The file is no list of keys.", "Begin with `flow: order-to-cash`.")])
    try:
        ignored = model.NOT_OF_A_FLOW if kept else {}
        given = {key: one for key, one in tree.values.items() if key not in ignored}
        settings = FlowSettings.model_validate(given)
    except ValidationError as error:
        faults = [_fault(one, tree) for one in map(_wrong, error.errors())]
        raise BadFlowError(sorted(faults, key=lambda one: one.line)) from None
    if flow is not None and settings.flow != flow:
        what = f"The file is about {settings.flow}, not about {flow}."
        raise BadFlowError([Fault(tree.line(("flow",)), what, f"Write `flow: {flow}`.")])
    return settings, tree


def _notes(tree: Tree) -> list[Fault]:
    keys = [key for key in tree.values if key in model.NOT_OF_A_FLOW]
    return [_has_no_effect(key, tree) for key in keys]


def _has_no_effect(key: str, tree: Tree) -> Fault:
    return Fault(tree.line((key,)), f"{key} has no effect: remove it.", model.NOT_OF_A_FLOW[key])


@dataclass(frozen=True, slots=True)
class _Wrong:
    """An error of pydantic's."""

    type: str
    loc: tuple[int | str, ...]
    msg: str
    input: Any
    ctx: dict[str, Any] | None = None


_wrong: Final = noun(_Wrong)


def _fault(error: _Wrong, tree: Tree) -> Fault:
    place = error.loc
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "The file"
    if error.type == "extra_forbidden" and name in model.NOT_OF_A_FLOW:
        return _has_no_effect(name, tree)
    if error.type == "extra_forbidden":
        return Fault(tree.line(place), f"The key {name} is not known.", _known(place))
    if error.type == "missing":
        return Fault(tree.line(place[:-1]), f"The key {name} is missing.", _example(str(place[-1])))
    cause = (error.ctx or {}).get("error")
    if isinstance(cause, UnknownTargetError):
        return Fault(tree.line((*place, cause.kpi)), f"targets.{cause.kpi}: {cause}.")
    what = error.msg.removeprefix("Value error, ")
    if what.startswith("Input"):
        what = f"i{what[1:]}"
    if error.type == "model_type":
        what = "it has keys of its own"
    return Fault(tree.line(place), f"{name}: {what}.", _advice(error))


def _known(place: tuple[int | str, ...]) -> str:
    block = _BLOCKS[str(place[0])] if len(place) > 1 else FlowSettings
    known = [field.alias or name for name, field in block.model_fields.items()]
    near = difflib.get_close_matches(str(place[-1]), known, 1)
    return f"Do you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."


def _example(key: str) -> str:
    return {"flow": "Begin with `flow: order-to-cash`."}.get(key, "Add it.")


def _advice(error: _Wrong) -> str:
    if error.type == "model_type":
        return "Write them below it, indented by two spaces."
    return "Write it as a list: each entry begins with a dash." if error.type == "list_type" else ""
