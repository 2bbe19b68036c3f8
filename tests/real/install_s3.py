"""Puts s3fs and a local S3 server (moto) into `.s3/`, for `tests/real/test_s3.py`.

    python tests/real/install_s3.py            # seconds, from the package registry alone

In a folder of their own: they pin versions of Amazon's packages that the platform does not need. Run by the Python of the
project's environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".s3"
PACKAGES = ("s3fs==2026.9.0", "moto[server,s3]==5.2.5")


def install(home: Path = HOME) -> None:
    """Raises `CalledProcessError` if the registry is out of reach. Does nothing when all is there."""
    stamp = home / ".installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != repr(PACKAGES):
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "pip", "install", "--quiet", "--target", home, *PACKAGES], check=True)
        stamp.write_text(repr(PACKAGES), encoding="utf-8")


if __name__ == "__main__":
    install()
    print(HOME)
