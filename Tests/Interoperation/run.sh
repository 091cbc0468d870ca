#!/usr/bin/env bash
# Tries Baton against programs that others wrote: swaks, curl, msmtp, Python, Postfix, Dovecot.
# Loopback and high ports only (from PORT, 2570 unless set); BATON names the binary. Run as root for
# Postfix, Dovecot and the full disk; what is absent is skipped, and said.
#   Tests/Interoperation/run.sh              all cases
#   Tests/Interoperation/run.sh bytes dsn    the groups of these names
#   CASE=word …                              the cases with this word in their line
#   KEEP=1 …                                 keeps configurations, logs and mail after success too
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export BATON=${BATON:-$root/.build/debug/baton}
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v python3 > /dev/null || { echo "skip: python3 is absent"; exit 0; }
[ -x "$BATON" ] || { echo "no binary at $BATON: build it first (make build), or set BATON" >&2; exit 2; }
BATON=$(realpath "$BATON")
exec python3 -B "$here/interoperation.py" "$@"
