from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import unsnag
from tests.client.conftest import clean_environment

ROOT = Path(__file__).parents[2]

CHECK = """
import sys, importlib.metadata as metadata
import unsnag
unsnag.init(flow="f", spool=sys.argv[1])
with unsnag.unit("SO-1"):
    pass
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
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    (source / "README.md").touch()
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


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    outside(home / "bin" / "pip", "install", "-q", wheel, cwd=tmp_path)
    assert outside(home / "bin" / "unsnag", "--version", cwd=tmp_path).startswith("unsnag ")
    imported, installed, file = outside(
        home / "bin" / "python", "-c", CHECK, tmp_path / "spool", cwd=tmp_path
    ).splitlines()
    assert imported == "[]"
    assert str(home) in file
    light = {"orjson", "structlog", "opentelemetry-api", "typing-extensions", "typing_extensions",
             "pip", "setuptools", "unsnag"}  # fmt: skip
    assert set(eval(installed)) <= light  # noqa: S307 - a list that our own script printed
    assert len(list((tmp_path / "spool").iterdir())) == 1
