"""A settings file as plain values, with the line of each.

YAML allows more than a settings file needs. Aliases, tags, several documents and repeated keys are refused:
each can make a file say something else than its reader believes, and aliases can make it grow without bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from collectors.mapping_text import Fault
from data.errors import UnsnagError

MOST_BYTES: Final = 256 * 1024
"""Of one file; a file of all settings has about two thousand."""
_DEEPEST: Final = 8
_TOO_LARGE: Final = Fault(
    1, f"The file is larger than {MOST_BYTES // 1024} KiB.", "Keep what is not a setting elsewhere."
)
_ADVICE: Final = (
    (
        "cannot start any token",
        "Indent with spaces, and put a text that begins with this character in quotes.",
    ),
    ("mapping values are not allowed", "Put a text with a colon in quotes, and check the indentation."),
    ("could not find expected ':'", "Each line is a key, a colon, a space and a value."),
    ("expected a single document", "Remove the line ---: a file has the settings of one flow."),
    ("expected <block end>", "Keys of one block begin in the same column."),
    ("quoted scalar", "A quote is not closed."),
    ("expected node content", "A value is missing, or a bracket is not closed."),
)
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadFlowError(UnsnagError):
    """The text does not describe the settings of a flow."""

    def __init__(self, faults: list[Fault], file: str | None = None) -> None:
        self.faults = tuple(faults)
        where = f"{file}: " if file else ""
        super().__init__(where + " ".join(map(str, faults)))


@dataclass(slots=True)
class Tree:
    """What a text says. A path names a value: keys, and places in lists."""

    values: Any = None
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def line(self, path: tuple[str | int, ...]) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str) -> Tree:
    """Return what a YAML text says.

    Raises:
        BadFlowError: it is no YAML, or uses more of YAML than a settings file may.
    """
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise BadFlowError([_TOO_LARGE])
    try:
        _check_events(text)
        return _tree(yaml.compose(text, Loader=_Loader))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise BadFlowError([Fault(line, "A character is not allowed in YAML.", "Remove it.")]) from None
    except yaml.MarkedYAMLError as error:
        raise BadFlowError([_syntax(error, text)]) from None


def decoded(data: bytes) -> str:
    """Return the text of a file.

    Raises:
        BadFlowError: it is too large, or not UTF-8.
    """
    if len(data) > MOST_BYTES:
        raise BadFlowError([_TOO_LARGE])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFlowError([Fault(line, "The file is not UTF-8.", "Save it as UTF-8.")]) from None


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            advice = "Write the value out where it is used."
            raise BadFlowError([Fault(line, "Anchors (&) and aliases (*) are not read.", advice)])
        if getattr(event, "tag", None) and not isinstance(event, yaml.DocumentStartEvent):
            raise BadFlowError(
                [Fault(line, "Tags (!) are not read.", "Remove it, or put the text in quotes.")]
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BadFlowError(
                [Fault(line, f"It is nested more than {_DEEPEST} deep.", "No setting needs it.")]
            )


def _tree(root: yaml.Node | None) -> Tree:
    found = Tree()
    if root is None:
        raise BadFlowError([Fault(1, "The file is empty.", "Name the flow first: `flow: order-to-cash`.")])
    constructor = yaml.SafeLoader("")
    faults: list[Fault] = []
    found.values = _value(root, (), found, constructor, faults)
    if faults:
        raise BadFlowError(faults)
    return found


def _value(
    node: yaml.Node,
    path: tuple[str | int, ...],
    tree: Tree,
    constructor: yaml.SafeLoader,
    faults: list[Fault],
) -> Any:
    tree.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(one, (*path, place), tree, constructor, faults) for place, one in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, tree, constructor, faults)
    try:
        return constructor.construct_object(node)
    except (ValueError, yaml.YAMLError):
        faults.append(Fault(node.start_mark.line + 1, f"{node.value!r} cannot be read.", "Put it in quotes."))
        return None


def _mapping(
    node: yaml.MappingNode,
    path: tuple[str | int, ...],
    tree: Tree,
    constructor: yaml.SafeLoader,
    faults: list[Fault],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            faults.append(Fault(line, "A key is a list or a block.", "Put it in quotes."))
            continue
        name = str(key.value)
        if name in values:
            first = tree.line((*path, name))
            faults.append(
                Fault(line, f"The key {name} is given twice, first in line {first}.", "Remove one.")
            )
            continue
        tree.lines[*path, name] = line
        values[name] = _value(value, (*path, name), tree, constructor, faults)
    return values


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else max(text.count("\n"), 1)
    problem = error.problem or error.context or "This is no YAML"
    if "another document" in problem:
        problem = "the file holds several documents"
    whole = f"{error.context or ''} {problem}"
    advice = next(
        (words for sign, words in _ADVICE if sign in whole), "Check the indentation and the quotes."
    )
    return Fault(line, f"{problem[:1].upper()}{problem[1:]}.", advice)
