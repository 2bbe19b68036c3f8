"""A landing zone in an S3 bucket, through the real s3fs, against a local server that speaks S3's protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from install_s3 import HOME

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(
    not (HOME / ".installed").exists(),
    reason="s3fs is not installed: python tests/real/install_s3.py puts it into .s3/",
)
def test_a_zone_in_a_bucket() -> None:
    """Seen, read with its sidecar, due again when it changes; and a bucket that is not there is no empty zone."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("on_s3.py"), HOME],
        capture_output=True, text=True, timeout=120, check=True, cwd=ROOT,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "classification": "confidential", "paths": ["a/Größe.txt"], "text": "Fünf Meter.", "title": "Die Größe",
        "is_due_again": True, "no_bucket": "zone_vanished", "nothing_there": "zone_vanished",
    }  # fmt: skip
