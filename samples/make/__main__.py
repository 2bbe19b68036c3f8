"""Writes the landing zone: `python -m samples.make [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from samples.make.build import build, landing_zone, texts


def main() -> None:
    """Build into the folder named on the command line, or over the committed files."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else landing_zone
    written = build(texts, target)
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} files, {size / 1024:.0f} KiB, under {target}")


if __name__ == "__main__":
    main()
