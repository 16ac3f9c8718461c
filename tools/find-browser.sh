#!/bin/sh
# Sees to it that the browser tests find a Chromium: on the path, from Debian's packages, or Playwright's own.
set -u
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
"$1" - <<'PY' && exit 0
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(0 if pathlib.Path(playwright.chromium.executable_path).exists() else 1)
PY
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing Chromium …"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 && exit 0
fi
echo "installing Playwright's Chromium …"
"$1" -m playwright install chromium >/dev/null 2>&1 && exit 0
echo "tocsin: the browser tests need Chromium and it could not be installed: install the package chromium" >&2
exit 1
