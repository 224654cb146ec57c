"""The settings that count now, by flow, and the files that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from data.logs import event_log
from flows import kept
from flows.lint import lint
from flows.model import levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cases.levels import LevelTable
    from collectors.mapping_text import Fault
    from data.store import Store
    from flows.kept import Version
    from flows.model import FlowSettings

_LOG: Final = event_log("flows")


class FlowBook:
    """The settings of the process. Any thread may ask; a change replaces all of them at once."""

    def __init__(self) -> None:
        self.versions: Mapping[str, Version] = {}
        """The latest version of each flow, also of one whose settings were removed."""
        self.settings: Mapping[str, FlowSettings] = {}
        """What counts, by flow."""
        self.refused: Mapping[str, tuple[Fault, ...]] = {}
        """What is wrong with files that cannot be taken, by file: the last good version counts on."""
        self.refused_flows: Mapping[str, str] = {}
        """The refused file of each flow that has one."""
        self.trouble: str | None = None
        """Why the folder cannot be read."""

    def use(self, store: Store) -> None:
        """Take the latest versions from the store."""
        found = {one.flow: one for one in kept.latest(store.everything())}
        settings = {}
        for flow, one in found.items():
            if one.text is not None:
                read = lint(one.text, flow, kept=True)
                if read.settings is None:
                    reason = " ".join(map(str, read.faults))
                    _LOG.error("flow.unreadable", flow=flow, version=one.version, reason=reason)
                else:
                    settings[flow] = read.settings
        self.versions, self.settings = found, settings

    def refuse(self, file: str, faults: tuple[Fault, ...], flow: str | None) -> None:
        """Keep what is wrong with a file; without faults, that nothing is any more."""
        others = {name: kept for name, kept in self.refused.items() if name != file}
        flows = {of: name for of, name in self.refused_flows.items() if name != file}
        self.refused = {**others, file: faults} if faults else others
        self.refused_flows = {**flows, flow: file} if faults and flow is not None else flows

    def levels(self) -> dict[str, LevelTable]:
        """Return the service levels of each flow that has some."""
        return {flow: levels(one) for flow, one in self.settings.items() if one.service_levels}

    def warnings(self) -> list[str]:
        """Return what an operator should do something about, as sentences."""
        found = [self.trouble] if self.trouble else []
        for file, faults in self.refused.items():
            found.append(
                f"The flow settings in {file} are refused. {faults[0]} The last good version counts."
            )
        return found
