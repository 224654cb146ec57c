"""Which line of a failed command's output names the error."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsnag.last_words import error_line

INFO = "2026-11-29 09:00:01,123 INFO cleaning up\n"
OUTPUTS = {
    "a plain last line": ("line 1\nline 2\n", "line 2"),
    "an error before INFO": (
        f"2026-11-29 09:00:00,001 ERROR cannot reach db1:5432\n{INFO}{INFO}", "ERROR cannot reach db1:5432"
    ),
    "the last of two errors": ("ERROR first\nERROR second\nINFO done\n", "ERROR second"),
    "an error before a progress bar": (
        "rsync: connection refused\n 40%|####      | 4/10 [3.1it/s]\n", "rsync: connection refused"
    ),
    "a line that was redrawn": ("copy 1%\rcopy 50%\rcopy: no space left on device\n",
                                "copy: no space left on device"),
    "words that speak of it": ("./x.sh: line 3: foo: command not found\nbye\n",
                               "./x.sh: line 3: foo: command not found"),
    "a count of no errors is none": ("disk full?\nfinished with 0 errors\n", "finished with 0 errors"),
    "only INFO": (INFO * 3, ""),
    "nothing": ("", ""),
    "colours": ("\x1b[31;1merror:\x1b[0m no such bucket\ninfo: bye\n", "error: no such bucket"),
    "JSON lines": ('{"level":"error","msg":"upload failed","n":1}\n{"level":"info","msg":"bye"}\n',
                   "upload failed"),
    "logfmt": ("ts=1 level=error msg=gone\nts=2 level=info msg=bye\n", "ts=1 level=error msg=gone"),
    "Node": (
        '/a.js:3\n    throw new Error("x")\n\nTypeError: x\n    at main (/a.js:3:9)\n\nNode.js v20.11\n',
        "TypeError: x",
    ),
    "Java": (
        "java.lang.IllegalStateException: top\n\tat A.b\nCaused by: java.io.IOException: low\n\tat C.d\n",
        "Caused by: java.io.IOException: low",
    ),
    "PowerShell": (
        """Get-Item : Cannot find path 'C:\\x' because it does not exist.
At line:1 char:1
+ Get-Item x
+ ~~~~~
    + CategoryInfo          : ObjectNotFound: (C:\\x:String) [Get-Item], ItemNotFoundException
    + FullyQualifiedErrorId : PathNotFound
""",
        "Get-Item : Cannot find path 'C:\\x' because it does not exist.",
    ),
    "make": ("gcc: fatal error: no input\nmake: *** [all] Error 1\n", "gcc: fatal error: no input"),
    "a warning about an error": ("INFO a\nWARNING: error rate is high\npayment refused by bank\n",
                                 "payment refused by bank"),
}  # fmt: skip
PYTHON = """
import sys
try:
    open("/no/such")
except OSError as error:
    try:
        raise RuntimeError("cannot export\\nsecond line") from error
    finally:
        {end}
"""


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_line_that_names_the_error(name: str) -> None:
    output, expected = OUTPUTS[name]
    assert error_line(output) == expected


def test_a_real_traceback_is_named_by_its_exception() -> None:
    command = [sys.executable, "-c", PYTHON.format(end="pass")]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "FileNotFoundError" in failed.stderr
    assert error_line(failed.stderr + INFO) == "RuntimeError: cannot export"


@given(st.text(), st.sampled_from(["", "Traceback (most recent call last):\n", "{", "\x1b["]))
def test_any_output_gives_one_line(text: str, start: str) -> None:
    line = error_line(start + text)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 1000
