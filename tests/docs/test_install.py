"""`install.py`, which `make install` runs: real pip, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.client.conftest import clean_environment

ROOT = Path(__file__).parents[2]


def wheel(folder: Path, name: str) -> None:
    """Write the smallest wheel that pip installs."""
    info = f"{name}-1.0.dist-info"
    parts = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*parts, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in (*parts.items(), (f"{info}/RECORD", record)):
            archive.writestr(path, text)


def install(folder: Path, names: list[str]) -> subprocess.CompletedProcess[str]:
    (folder / "requirements.txt").write_text("".join(f"{name}==1.0\n    # via this\n" for name in names))
    environment = {**clean_environment(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    command = [sys.executable, str(ROOT / "install.py"), "--venv", "env", "requirements.txt"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_makes_the_environment_and_says_how_far_it_is(tmp_path: Path) -> None:
    names = [f"package{number}" for number in range(12)]
    for name in names:
        wheel(tmp_path, name)
    done = install(tmp_path, names)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.splitlines()
    assert printed[:5] == [
        "Making env ...",
        "Installing 12 packages of requirements.txt into env (first time only) ...",
        "  10 of 12 packages: package9-1.0-py3-none-any.whl",
        "  12 of 12 packages: package11-1.0-py3-none-any.whl",
        "  Unpacking them ...",
    ]
    assert printed[5].startswith("Installed in ")
    subprocess.run([tmp_path / "env" / "bin" / "python", "-c", "import package11"], check=True)

    missing = install(tmp_path, ["nowhere"])
    assert missing.returncode != 0
    assert "pip ended with code 1. Its last lines:" in missing.stdout
    assert "No matching distribution found for nowhere==1.0" in missing.stdout
