#!/bin/sh
# Runs the tests with the Python $1 and pytest's arguments that follow. What fails is run once more, alone, and fails
# the run where it fails again: docs/adr/0028-what-fails-among-others-is-tried-alone.md says why.
set -u
python=$1
shift
most=${TOCSIN_TESTS_AGAIN:-5}
cache=$(mktemp -d) || exit 1
trap 'rm -rf "$cache"' EXIT
trap 'exit 130' INT TERM

"$python" -m pytest -n 2 --dist worksteal -o cache_dir="$cache" "$@"
status=$?
# 1 is a test's verdict; everything else (an interruption, wrong arguments, no test at all) is not luck.
[ $status -eq 1 ] || exit $status

failed=$("$python" -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$cache/v/cache/lastfailed") || exit 1
count=$(printf '%s\n' "$failed" | wc -l)
if [ "$count" -gt "$most" ]; then
    [ "$most" -eq 0 ] || echo "tocsin: $count tests failed; more than $most are no accident, and are not tried again" >&2
    exit 1
fi
echo "tocsin: once more, alone: $failed" >&2
"$python" -m pytest -o cache_dir="$cache" --last-failed --last-failed-no-failures=none "$@" -n 0 || exit 1
{
    echo "tocsin: UNRELIABLE: failed among others and passed alone, which somebody must look into:"
    printf '%s\n' "$failed" | sed 's/^/  /'
} >&2
