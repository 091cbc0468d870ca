"""What scanners think of the TLS of a listener: sslscan, testssl.sh."""
import json
import os
import shutil
import subprocess

from relay import IMPLICIT, SMTP, Relay
from report import Skip, holds, need
from tls import LISTENERS, certificates, fixture

# A test certificate has no revocation, no log and an authority that nobody knows.
ABOUT_THE_CERTIFICATE = ("cert_", "OCSP", "DNS_CAA", "CT", "engine_problem", "scan", "overall_grade", "grade_cap", "cert")
ACCEPTED = ("OK", "INFO", "LOW", "WARN", "DEBUG")


def run(report, root):
    relay = Relay(root)
    relay.configure(more=certificates("ecdsa", "rsa"), listeners=LISTENERS)
    relay.start()
    try:
        report.case("sslscan, STARTTLS", sslscan, SMTP, "--starttls-smtp")
        report.case("sslscan, implicit TLS", sslscan, IMPLICIT)
        report.case("testssl.sh, STARTTLS", testssl, root, SMTP, "-t", "smtp")
        report.case("testssl.sh, implicit TLS", testssl, root, IMPLICIT)
        report.case("Baton still serves", lambda: holds(relay.process.poll() is None, "it has ended"))
    finally:
        relay.end()


def sslscan(port, *words):
    need("sslscan")
    done = subprocess.run(["sslscan", "--no-colour", *words, f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=120)
    out = done.stdout
    for old in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        line = next((line for line in out.splitlines() if line.startswith(old + " ")), "")
        holds("disabled" in line, f"{old}: {line!r}")
    for new in ("TLSv1.2", "TLSv1.3"):
        holds(any(line.startswith(new) and "enabled" in line for line in out.splitlines()), out[:1500])
    holds("vulnerable to heartbleed" not in out.replace("not vulnerable to heartbleed", ""), out)
    for line in out.splitlines():
        if line.startswith(("Preferred", "Accepted")):
            holds(" 3DES" not in line and "CBC" not in line and "RC4" not in line and "NULL" not in line, line)


def testssl(root, port, *words):
    program = shutil.which("testssl.sh") or shutil.which("testssl")
    if not program:
        raise Skip("testssl.sh is absent")
    file = f"{root}/testssl-{port}.json"
    environment = dict(os.environ, ADDTL_CA_FILES=fixture("authority.pem"))
    subprocess.run([program, "--quiet", "--warnings", "off", "--color", "0", "--add-ca", fixture("authority.pem"), "--jsonfile", file,
                    *words, f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=900, env=environment)
    with open(file, encoding="utf-8") as source:
        findings = json.load(source)
    holds(len(findings) > 30, f"only {len(findings)} findings")
    bad = [f"{finding['id']}: {finding['severity']}: {finding['finding']}" for finding in findings
           if finding["severity"] not in ACCEPTED and not finding["id"].startswith(ABOUT_THE_CERTIFICATE)]
    holds(not bad, "; ".join(bad))
