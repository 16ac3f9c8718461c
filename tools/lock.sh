#!/bin/sh
# Resolves pyproject.toml into the two lock files: what the product needs, and what its tests need beside it.
set -eu
options="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --upgrade"
"$1" pip compile $options --custom-compile-command "make lock" --all-extras pyproject.toml -o requirements-dev.lock
"$1" pip compile $options --custom-compile-command "make lock" -c requirements-dev.lock pyproject.toml -o requirements.lock
