"""Prints how well failures with one cause are put into one group, beside other ways of doing it.

Measured on log sets of loghub (UNSNAG_BENCH_LOGS names their folder), on what programs of `tests/layouts`
log, and on tracebacks that `tests/grouping/programs` raised. The rules were written while looking at one
half; the other half is judged. drain3 is measured where it is installed. It pins old versions of what it
needs, so it is no dependency: `.venv/bin/pip install --no-deps drain3 jsonpickle cachetools`.
"""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.figures import line
from tests.grouping import measured
from traces import fingerprint, fingerprint_1

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.grouping.measured import Sample

LOGS: Final = "UNSNAG_BENCH_LOGS"
"""The variable that names the folder with the log sets: NAME.csv.gz with the columns Content and EventId."""
LOOKED_AT: Final = frozenset({"Spark"})
"""Log sets that the rules were written for; all others are judged."""
_DRAIN_MASKS: Final = (
    # Those of drain3's own example.
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9A-F]{4} ?){4,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
    (r"(?<=executed cmd )(\".+?\")", "CMD"),
)


def main() -> None:
    """Print the figures of both halves."""
    if "drain3" not in WAYS:
        print("drain3 is not installed, so it is not measured.")
    _print("tracebacks, looked at", measured.recorded("looked at"))
    _print("tracebacks, judged", measured.recorded("held out"), "F1 > 0.766")
    _print("lines of the layouts", measured.logged())
    found = sorted(Path(os.environ[LOGS]).glob("*.csv.gz")) if os.environ.get(LOGS) else []
    if not found:
        print(f"The log sets of loghub are not measured: {LOGS} names no folder with NAME.csv.gz.")
    for judged in (False, True):
        _logs([file for file in found if (file.name.partition(".")[0] not in LOOKED_AT) is judged], judged)
    _cost(measured.recorded("held out"))


def _logs(files: Sequence[Path], judged: bool) -> None:  # noqa: FBT001 - which half
    half = "judged" if judged else "looked at"
    means: dict[str, list[float]] = {}
    for file in files:
        samples = measured.public(file)
        _print(f"{file.name.partition('.')[0]}, {half}", samples)
        for name, groups in WAYS.items():
            means.setdefault(name, []).append(
                measured.accuracy([one.cause for one in samples], groups(samples))
            )
    for name, found in means.items():
        line(f"mean accuracy of the log sets, {half}: {name}", f"{sum(found) / len(found):.3f}")


def _print(name: str, samples: Sequence[Sample], aim: str = "") -> None:
    causes = [one.cause for one in samples]
    print(f"{name}: {len(samples)} of {len(set(causes))} causes")
    for way, groups in WAYS.items():
        found = groups(samples)
        figures = f"GA {measured.accuracy(causes, found):.3f}, F1 {measured.f1(causes, found):.3f}"
        line(f"  {way}", figures, aim if way == OURS else "", f"{len(set(found))} groups")


def _cost(samples: Sequence[Sample]) -> None:
    for name, groups in WAYS.items():
        began = time.process_time()
        groups(samples)
        line(f"a failure, {name}", f"{(time.process_time() - began) / len(samples) * 1e6:.0f} µs")


# --- ways of grouping ---------------------------------------------------------------------------------


def _now(samples: Sequence[Sample]) -> list[str]:
    return [_by(fingerprint.fingerprint, one) for one in samples]


def _before(samples: Sequence[Sample]) -> list[str]:
    return [_by(fingerprint_1.fingerprint, one) for one in samples]


def _by(rule: Callable[..., str], one: Sample) -> str:
    return rule(flow="f", step="s", error_type=one.type, message=one.message, stacktrace=one.stack)


def _raw(samples: Sequence[Sample]) -> list[str]:
    return [f"{one.type}\n{one.message}" for one in samples]


def _drain(samples: Sequence[Sample]) -> list[str]:
    from drain3 import TemplateMiner  # noqa: PLC0415 - only where it is installed
    from drain3.masking import MaskingInstruction  # noqa: PLC0415
    from drain3.template_miner_config import TemplateMinerConfig  # noqa: PLC0415

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(*one) for one in _DRAIN_MASKS]
    miner = TemplateMiner(config=config)
    texts = (" ".join(f"{one.type or ''} {one.message}".split()) for one in samples)
    return [str(miner.add_log_message(text)["cluster_id"]) for text in texts]


OURS: Final = "now"
WAYS: Final = {OURS: _now, "before": _before, "type and raw message": _raw}
if importlib.util.find_spec("drain3"):
    WAYS["drain3"] = _drain

if __name__ == "__main__":
    main()
