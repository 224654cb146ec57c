"""What is installed is pinned: every version, the transitive ones too, from the registry only."""

from __future__ import annotations

import itertools
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[2]


RUNTIME = ("requirements.txt",)
ALL = (*RUNTIME, "requirements-dev.txt")


def pinned(files: tuple[str, ...] = ALL) -> dict[str, str]:
    """Return every package of the requirements files with its version."""
    lines = itertools.chain.from_iterable((ROOT / file).read_text().splitlines() for file in files)
    found: dict[str, str] = {}
    for text in lines:
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([\w.!+-]+)", text.strip())
        assert match, f"{text!r} is not pinned to one version of the registry"
        assert found.setdefault(_plain(match[1]), match[2]) == match[2], f"{match[1]} is pinned twice"
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_is_pinned_and_everything_asked_for_is_there() -> None:
    packages = pinned()
    assert len(packages) > 80
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    for requirement in itertools.chain.from_iterable(groups):
        if "python_version <" in requirement:
            continue  # for Pythons on which only the client runs
        name = _plain(re.split(r"[<>=!~ \[]", requirement)[0])
        assert name in packages, requirement


def test_what_runs_the_product_is_pinned_apart_from_what_developers_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = pinned(RUNTIME)
    for requirement in project["dependency-groups"]["server"]:
        assert _plain(re.split(r"[<>=!~ \[]", requirement)[0]) in runtime, requirement
    for name in ("pytest", "mypy", "ruff", "playwright", "hypothesis", "uv"):
        assert name not in runtime


def test_no_requirements_file_names_a_registry() -> None:
    for file in ALL:
        assert "://" not in (ROOT / file).read_text()


def test_what_is_installed_is_what_is_pinned() -> None:
    """A test that passes with another version than the one that ships proves nothing."""
    for name, wanted in pinned().items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # for another system
        assert installed == wanted, name


def test_every_server_dependency_has_its_reason() -> None:
    """The policy: a package that is not the framework itself says beside its pin what it is for."""
    text = (ROOT / "pyproject.toml").read_text()
    for name in ("argon2-cffi", "authlib", "httpx", "jinja2", "cryptography", "pyarrow", "tzdata"):
        (found,) = re.findall(rf'^    "{name}[^"]*",(.*)$', text, re.MULTILINE)
        assert "#" in found, name
