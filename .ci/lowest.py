"""The lowest versions that pyproject.toml allows, as pip's constraints: `numpy>=2.0` becomes `numpy==2.0`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def main() -> None:
    """Print one constraint a line, for what running and testing need."""
    for line in (*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["cluster"]):
        if found := re.fullmatch(r"([\w-]+)>=([\d.]+)", line):
            print(f"{found[1]}=={found[2]}")


if __name__ == "__main__":
    main()
