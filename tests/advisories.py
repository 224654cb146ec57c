"""Ask the advisory database, through pip-audit, for known faults in what the requirements files pin.

Where the database cannot be reached, a message says so, and it is no failure:
then only the policy applies, by which every version is pinned (tests/docs/test_dependencies.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")


def main() -> int:
    """Return 1 if a pinned version has a known fault, else 0."""
    pinned = [part for path in REQUIREMENTS for part in ("--requirement", str(path))]
    command = [
        sys.executable, "-m", "pip_audit", *pinned, "--no-deps", "--disable-pip",
        "--progress-spinner", "off", "--format", "json",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        print(f"advisories: the database could not be asked: {run.stderr.strip().splitlines()[-1:]}")
        return 0
    asked = [package for package in packages if "skip_reason" not in package]
    faulty = [package for package in asked if package["vulns"]]
    for package in faulty:
        ids = ", ".join(vuln["id"] for vuln in package["vulns"])
        print(f"advisories: {package['name']} {package['version']} has known faults: {ids}")
    if not asked:
        print(f"advisories: the database knows none of the {len(packages)} packages here; all are pinned.")
    elif not faulty:
        print(f"advisories: no known faults in {len(asked)} of {len(packages)} packages.")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
