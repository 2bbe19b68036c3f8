#!/bin/sh
# Installs Beleg into .venv, from exact versions, with the Python package registry alone.
#   scripts/install.sh           what the platform needs
#   scripts/install.sh dev       and what its tests need
# Says one clear sentence when something is missing, and does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."

lock=requirements.lock
[ "${1:-}" = dev ] && lock=requirements-dev.lock

say() { printf '%s\n' "$*"; }
fail() { printf 'beleg: %s\n' "$*" >&2; exit 1; }

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "No Python 3.11, 3.12 or 3.13 with venv was found. Install one, or name it: make demo PYTHON=/path/to/python3.12"

digest=$(cat "$lock" pyproject.toml overrides.txt | cksum | tr -d ' ')
stamp=.venv/.installed-$lock
[ "$(cat "$stamp" 2>/dev/null || true)" = "$digest" ] && exit 0

free_kb=$(df -Pk . | awk 'NR==2 {print $4}')
[ "$free_kb" -gt 4194304 ] || fail "Only $((free_kb / 1024)) MB are free here; the installation needs 4 GB. Free some space and try again."

say "[1/3] Python environment in .venv ($("$python" --version 2>&1))"
[ -x .venv/bin/python ] || "$python" -m venv .venv || fail "The environment .venv could not be made. Remove .venv and try again."

say "[2/3] Installer"
if ! .venv/bin/uv --version >/dev/null 2>&1; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.8 \
        || fail "The Python package registry was not reached. Check the network or pip's index settings, then try again."
fi
# uv does not read pip's settings: pass on where the operator told pip to look.
pip_setting() { .venv/bin/python -m pip config get "$1" 2>/dev/null || true; }
UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(pip_setting global.find-links)}}
UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting global.index-url)}}
[ -n "$UV_FIND_LINKS" ] && export UV_FIND_LINKS || unset UV_FIND_LINKS
[ -n "$UV_DEFAULT_INDEX" ] && export UV_DEFAULT_INDEX || unset UV_DEFAULT_INDEX

say "[3/3] $(grep -c == "$lock") packages in exact versions (2.3 GB; minutes on a cold cache, seconds on a warm one)"
.venv/bin/uv pip install --quiet --python .venv/bin/python --override overrides.txt -r "$lock" \
    || fail "The packages could not be installed; the lines above say why. With no network, point pip at a mirror and try again."
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e . \
    || fail "Beleg itself could not be installed; the lines above say why."
printf '%s' "$digest" > "$stamp"
