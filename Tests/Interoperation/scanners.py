"""What scanners think of a listener: sslscan and testssl.sh of its TLS, nmap's scripts of it as a mail server."""
import json
import shutil
import subprocess

from authority import Authority
from relay import IMPLICIT, SINK, SMTP, SUBMISSION, Relay
from report import Skip, equal, holds, need
from sink import Sink

# A certificate of the test's own authority cannot be revoked, and some checks of the program fail by themselves.
ACCEPTED = ("OK", "INFO", "LOW", "DEBUG")
BESIDE_THE_POINT = ("cert_revocation", "engine_problem", "sessionresumption")
SCRIPTS = ("smtp-commands", "smtp-open-relay", "smtp-enum-users", "smtp-vuln-cve2010-4344", "smtp-vuln-cve2011-1720",
           "smtp-vuln-cve2011-1764", "smtp-strangeport", "smtp-ntlm-info", "ssl-enum-ciphers", "ssl-cert", "ssl-heartbleed",
           "ssl-poodle", "ssl-ccs-injection", "ssl-dh-params", "sslv2", "sslv2-drown", "tls-ticketbleed", "tls-alpn")


def run(report, root):
    authority = Authority(root)
    files = [authority.issue("ecdsa", ["localhost", "relay.test"]), authority.issue("rsa", ["localhost", "relay.test"], ("rsa:2048",))]
    chains = ", ".join(f'{{chain: "{chain}", key: "{key}"}}' for chain, key in files)
    relay = Relay(root)
    # As strangers: the scanners come from an address that may not relay.
    relay.configure(rules="[{route: sink}]", relay="[127.0.0.2/32]", domains="""
  local.test:
    route: boxes
    mailboxes: [box]
""", listeners=f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission}}
  - {{address: "127.0.0.1:{IMPLICIT}", dialect: submission, tls: implicit}}""",
                    more=f"tls: {{certificates: [{chains}]}}\npolicy: {{limits: []}}\nlimits: {{maxConnectionsPerClientAndMinute: 10000}}")
    sink = Sink(SINK)
    relay.start()
    try:
        report.case("sslscan, STARTTLS", sslscan, SMTP, "--starttls-smtp")
        report.case("sslscan, implicit TLS", sslscan, IMPLICIT)
        report.case("testssl.sh, STARTTLS", testssl, root, authority, SMTP, "-t", "smtp")
        report.case("testssl.sh, implicit TLS", testssl, root, authority, IMPLICIT)
        for name, port in (("port 25", SMTP), ("submission", SUBMISSION), ("implicit TLS", IMPLICIT)):
            report.case(f"nmap, {name}", nmap, root, port)
        report.case("nothing was relayed", lambda: equal(sink.messages, []))
        report.case("Baton still serves", lambda: holds(relay.process.poll() is None, "it has ended"))
    finally:
        relay.end()
        sink.stop()


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
    accepted = ""
    for line in out.splitlines():
        if line.startswith(("Preferred", "Accepted")):
            accepted += line
            holds(" 3DES" not in line and "CBC" not in line and "RC4" not in line and "NULL" not in line, line)
    # Both certificates are found: a client that has run out of suites for one goes on with the other.
    for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"):
        holds(suite in accepted, f"no {suite} in {accepted}")


def testssl(root, authority, port, *words):
    program = shutil.which("testssl.sh") or shutil.which("testssl")
    if not program:
        raise Skip("testssl.sh is absent")
    file = f"{root}/testssl-{port}.json"
    subprocess.run([program, "--quiet", "--warnings", "off", "--color", "0", "--ip", "127.0.0.1", "--add-ca", authority.certificate,
                    "--jsonfile", file, *words, f"localhost:{port}"], capture_output=True, text=True, timeout=900)
    with open(file, encoding="utf-8") as source:
        findings = json.load(source)
    holds(len(findings) > 100, f"only {len(findings)} findings")
    trust = [finding["finding"] for finding in findings if finding["id"].startswith("cert_chain_of_trust")]
    holds(len(trust) == 2 and all(text.startswith("passed") for text in trust), f"the certificates are not trusted: {trust}")
    bad = [f"{finding['id']}: {finding['severity']}: {finding['finding']}" for finding in findings
           if finding["severity"] not in ACCEPTED and not finding["id"].startswith(BESIDE_THE_POINT)]
    holds(not bad, "; ".join(bad))


def nmap(root, port):
    need("nmap")
    file = f"{root}/nmap-{port}"
    subprocess.run(["nmap", "-Pn", "-n", "-sT", "-sV", "-p", str(port), "--script", ",".join(SCRIPTS), "--script-args",
                    "smtp-open-relay.domain=far.test,smtp-open-relay.ip=127.0.0.1,smtp.domain=local.test,smtp-enum-users.methods={VRFY,EXPN,RCPT}",
                    "-oN", file, "127.0.0.1"], capture_output=True, text=True, timeout=600)
    with open(file, encoding="utf-8", errors="replace") as source:
        out = source.read()
    for expected in ("smtp-commands: relay.test, PIPELINING", "ssl-cert: Subject: commonName=ecdsa", "least strength: A"):
        holds(expected in out, f"no {expected!r} in {out}")
    holds("all tests failed" in out or "isn't an open relay, authentication needed" in out, f"an open relay: {out}")
    holds("Couldn't find any accounts" in out or "Couldn't perform user enumeration, authentication needed" in out, f"accounts: {out}")
    # Where the scripts say VULNERABLE, the word stands by itself.
    holds("VULNERABLE" not in out.replace("NOT VULNERABLE", ""), out)
    for old in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "smtp-ntlm-info"):
        holds(old not in out.split("SF-Port")[0].split("--script-args")[1], f"{old} in {out}")
    for suite in ("ECDHE_ECDSA_WITH_AES_128_GCM", "ECDHE_ECDSA_WITH_AES_256_GCM", "ECDHE_RSA_WITH_AES_128_GCM", "ECDHE_RSA_WITH_AES_256_GCM"):
        holds(suite in out, f"no {suite} in {out}")
