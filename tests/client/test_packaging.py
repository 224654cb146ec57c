from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import unsnag
from tests.client.conftest import clean_environment

ROOT = Path(__file__).parents[2]

CHECK = """
import importlib, logging, pkgutil, sys, importlib.metadata as metadata
logging.basicConfig()
import unsnag
unsnag.init(flow="f", spool=sys.argv[1])
with unsnag.unit("SO-1", value=12.5, currency="EUR"), unsnag.step("pay", idempotent=True):
    logging.getLogger().warning("the key is Bearer abcdefgh12345678 of +49 30 1234567")
try:
    with unsnag.unit("SO-2"):
        raise ValueError("no")
except ValueError:
    pass
for found in pkgutil.walk_packages(unsnag.__path__, "unsnag."):
    if not found.name.startswith(("unsnag.frameworks.", "unsnag.__main__")):  # these import their framework
        importlib.import_module(found.name)
unsnag.shutdown()
server = {"streamlit", "duckdb", "pyarrow", "fastapi", "starlette", "pandas", "numpy", "plotly", "pydantic"}
print(sorted(server & {name.partition(".")[0] for name in sys.modules}))
print(sorted(dist.metadata["Name"].lower() for dist in metadata.distributions()))
print(unsnag.__file__)
"""


def outside(*command: str | Path, cwd: Path) -> str:
    """Run a command that sees nothing of the checkout."""
    environment = {key: text for key, text in clean_environment().items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "unsnag", source / "unsnag", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    outside(sys.executable, "-m", "pip", *build, cwd=source)
    (built,) = (source / "dist").glob("unsnag-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_client_and_nothing_of_the_server(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert wheel.name.startswith(f"unsnag-{unsnag.__version__}-")
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"unsnag"}
    assert "unsnag/py.typed" in names


def pythons() -> list[str]:
    """Return the Python that runs this, and every other one of this machine that the client is for."""
    named = [f"python3.{minor}" for minor in (9, 10, 12, 13)]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    kept = [str(path) for name in named for path in sorted(versions.glob(f"*/bin/{name}"))]
    found = {Path(name).name: name for name in (*kept, *named) if works(name)}
    return [sys.executable, *found.values()]


def works(name: str) -> bool:
    try:
        asked = subprocess.run([name, "-c", "import ensurepip"], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0


def test_the_wheel_says_what_it_needs_and_for_whom_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        declared = email.message_from_bytes(archive.read(path))
    assert declared["Requires-Python"] == ">=3.9"
    needed = {text for text in declared.get_all("Requires-Dist", []) if "extra" not in text}
    assert needed == {"orjson>=3.11", 'tomli>=2; python_version < "3.11"'}
    assert set(declared.get_all("Provides-Extra", [])) == {"structlog", "opentelemetry"}
    assert "Programming Language :: Python :: 3.9" in declared.get_all("Classifier", [])
    assert declared["Description-Content-Type"] == "text/markdown"
    assert "](" not in declared.get_payload().replace(
        "](http", ""
    )  # a link into the repository leads nowhere there


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path, python: str) -> None:
    home = tmp_path / "venv"
    outside(python, "-m", "venv", home, cwd=tmp_path)
    outside(home / "bin" / "pip", "install", "-q", wheel, cwd=tmp_path)
    assert outside(home / "bin" / "unsnag", "--version", cwd=tmp_path).startswith("unsnag ")
    imported, installed, file = outside(
        home / "bin" / "python", "-c", CHECK, tmp_path / "spool", cwd=tmp_path
    ).splitlines()
    assert imported == "[]"
    assert str(home) in file
    light = {"orjson", "tomli", "pip", "setuptools", "unsnag"}
    assert set(eval(installed)) <= light  # noqa: S307 - a list that our own script printed
    (spool,) = (tmp_path / "spool").glob("*.jsonl")
    written = spool.read_text()
    assert "[masked: token]" in written
    assert "[masked: phone]" in written
    assert "ValueError" in written
    (tmp_path / "job.sh").write_text("echo started; exit 3")
    run = [home / "bin" / "unsnag", "run", "--flow", "f", "--", "sh", "job.sh"]
    own = {**os.environ, "UNSNAG_SPOOL": str(tmp_path / "spool")}
    assert subprocess.run(run, cwd=tmp_path, env=own, capture_output=True, check=False).returncode == 3
