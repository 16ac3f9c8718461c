#!/bin/sh
# Makes the virtual environment $1 with the first Python >= 3.11 that is found, or says in one line what is missing.
set -u
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "tocsin: $python has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)" >&2
        exit 1
    fi
    "$python" -m venv "$1" && exit 0
    rm -rf "$1"
    echo "tocsin: $python could not make the environment $1: look at the lines above" >&2
    exit 1
done
echo "tocsin: Python 3.11 or newer is needed and was not found: install it, or name it with PYTHON=/path/to/python" >&2
exit 1
