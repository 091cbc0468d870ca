"""Runs the groups of cases that are named, or all."""
import os
import shutil
import sys

import abuse
import acme
import authentication
import corpus
import faults
import forwarding
import handshakes
import incoming
import inward
import leaks
import notifications
import octets
import operations
import outgoing
import policies
import relaying
import scanners
import sending
import shipped
import siege
import signatures
import tls
import transcripts
from relay import temporary
from report import Report

GROUPS = {
    "in": incoming.run, "out": outgoing.run, "bytes": octets.run, "dsn": notifications.run,
    "operations": operations.run, "relaying": relaying.run, "tls": tls.run,
    "auth": authentication.run, "logins": handshakes.run, "leaks": leaks.run, "abuse": abuse.run, "siege": siege.run,
    "faults": faults.run, "transcripts": transcripts.run,
    "scanners": scanners.run, "acme": acme.run, "dkim": signatures.run,
    "policies": policies.run, "inward": inward.run, "corpus": corpus.run, "forward": forwarding.run,
    "sending": sending.run, "shipped": shipped.run,
}


def main(names):
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        sys.exit(f"unknown group {unknown[0]}: expected one of {', '.join(GROUPS)}")
    report = Report()
    root = temporary()
    try:
        for name in names or GROUPS:
            report.group = name
            folder = os.path.join(root, name)
            os.mkdir(folder)
            report.case("the whole group", GROUPS[name], report, folder)
    finally:
        if report.failed or os.environ.get("KEEP"):
            print(f"configurations, logs and mail are kept in {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    report.end()


main(sys.argv[1:])
