#!/bin/sh
# Writes requirements.lock and requirements-dev.lock anew from pyproject.toml, for Python 3.11 to 3.13.
# Torch's GPU libraries stay out: torch itself pins the exact versions of those that its build needs.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --override overrides.txt \
        --no-emit-index-url --no-annotate --no-header --quiet "$@" |
        grep -vE '^(nvidia-|triton|cuda-|torchvision|torchaudio|timm)'
}
compile > requirements.lock.new && mv requirements.lock.new requirements.lock
compile --group dev --constraint requirements.lock > requirements-dev.lock.new && mv requirements-dev.lock.new requirements-dev.lock
