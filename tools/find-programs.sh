#!/bin/sh
# Sees to it that the tests find the programs that Tocsin has to get on with, from Debian's packages where they are missing.
set -u
missing=""
needs() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}
needs swaks swaks
needs dovecot dovecot-imapd
needs prometheus prometheus
needs prometheus-alertmanager prometheus-alertmanager
needs amtool prometheus-alertmanager
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing$missing …"
    # the tests start the programs themselves; the packages shall not
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy" && trap 'rm -f "$policy"' EXIT; }
    # shellcheck disable=SC2086 - these are several words
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 && exit 0
fi
echo "tocsin: some tests need programs that could not be installed; install the packages$missing" >&2
