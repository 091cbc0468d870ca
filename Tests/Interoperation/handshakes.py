"""Logging in over real handshakes: port 465, STARTTLS with verification, client certificates, keys of issuers by HTTPS."""
import base64
import http.server
import os
import smtplib
import ssl
import subprocess
import threading

from authentication import PASSWORD, USER, baton, make_key, sign
from authority import Authority
from relay import IMPLICIT, PORT, SMTP, SUBMISSION, Relay
from report import equal, holds, need, until

ISSUER = PORT + 22
ROBOT = "robot.local.test"


class KeyHost(http.server.BaseHTTPRequestHandler):
    """`/keys` has the keys of `folder`; `/moved` leads there, as no issuer should."""

    folder = None
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200 if self.path == "/keys" else 302)
        with open(f"{self.folder}/jwks.json", "rb") as file:
            text = file.read() if self.path == "/keys" else b""
        self.send_header("Location", f"https://localhost:{ISSUER}/keys")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Clients:
    """Other people's programs, told which authority to trust."""

    def __init__(self, relay, authority, root):
        self.relay, self.authority, self.marks = relay, authority, 0
        self.certificate = authority.issue("robot", [ROBOT, "somebody.else.test"], usage="clientAuth")
        self.strange = Authority(root, "strange").issue("robot", [ROBOT], usage="clientAuth")

    def mark(self):
        self.marks += 1
        return f"handshake-{self.marks}."

    def message(self, mark, author=USER):
        return f"From: {author}\r\nTo: box@local.test\r\nSubject: {mark}\r\n\r\nhello\r\n"

    def ends(self, done, mark, works=True):
        holds((done.returncode == 0) == works, f"{done.returncode} {done.stdout[-400:]} {done.stderr[-400:]}")
        if works:
            message = self.relay.arrived("box", mark)[0]
            holds(b"with ESMTPSA" in message.replace(b"\n\t", b" "), message[:400])

    def swaks(self, mechanism, implicit, password=PASSWORD, works=True):
        need("swaks")
        mark = self.mark()
        words = ["--tls-on-connect", "-p", str(IMPLICIT)] if implicit else ["--tls", "-p", str(SMTP)]
        self.ends(run_text(["swaks", "--server", "localhost", *words, "--tls-verify", "--tls-ca-path", self.authority.certificate, "--auth", mechanism,
                            "--auth-user", USER, "--auth-password", password, "--from", USER, "--to", "box@local.test",
                            "--header", f"Subject: {mark}"]), mark, works)

    def msmtp(self, mechanism, implicit):
        need("msmtp")
        mark = self.mark()
        words = ["--tls-starttls=off", f"--port={IMPLICIT}"] if implicit else ["--tls-starttls=on", f"--port={SMTP}"]
        self.ends(run_text(["msmtp", "--file=/dev/null", "--host=localhost", *words, "--tls=on", f"--tls-trust-file={self.authority.certificate}",
                            f"--auth={mechanism}", f"--user={USER}", f"--passwordeval=echo '{PASSWORD}'", f"--from={USER}", "box@local.test"],
                           self.message(mark).replace("\r", "")), mark)

    def gsasl(self, mechanism, password=PASSWORD, works=True):
        need("gsasl")
        done = run_text(["gsasl", "--smtp", "--connect", f"localhost:{SMTP}", "--starttls", "--x509-ca-file", self.authority.certificate,
                         "-m", mechanism, "-a", USER, "-z", "", "-p", password, "--no-cb", "--quiet"], "")
        holds((done.returncode == 0) == works, f"{done.returncode} {done.stdout[-200:]} {done.stderr[-300:]}")

    def curl(self, words, implicit=True, works=True, author=USER):
        need("curl")
        mark = self.mark()
        url = f"smtps://localhost:{IMPLICIT}/client.test" if implicit else f"smtp://localhost:{SMTP}/client.test"
        self.ends(run_text(["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", self.authority.certificate, url, "--mail-from", author,
                            "--mail-rcpt", "box@local.test", "--upload-file", "-", *words], self.message(mark, author)), mark, works)

    def openssl(self):
        need("openssl")
        plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
        done = run_text(["openssl", "s_client", "-connect", f"localhost:{IMPLICIT}", "-CAfile", self.authority.certificate, "-verify_return_error",
                         "-quiet", "-crlf"], f"EHLO client.test\nAUTH PLAIN {plain}\nQUIT\n")
        holds("235 2.7.0" in done.stdout and "221 2.0.0" in done.stdout, done.stdout + done.stderr)

    def external(self, certificate, initial, code, port=IMPLICIT):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if certificate:
            context.load_cert_chain(*certificate)
        with smtplib.SMTP_SSL("localhost", port, context=context, local_hostname="client.test") as client:
            client.ehlo()
            offered = "EXTERNAL" in client.esmtp_features["auth"].split()
            equal(offered, code == 235 or initial is not None and certificate == self.certificate, f"EXTERNAL among {client.esmtp_features['auth']}")
            got, text = client.docmd("AUTH", "EXTERNAL " + (base64.b64encode(initial.encode()).decode() or "="))
            equal(got, code, text)
            if code == 235:
                mark = self.mark()
                client.sendmail(f"any@{ROBOT}", ["box@local.test"], self.message(mark, f"any@{ROBOT}"))
                message = self.relay.arrived("box", mark)[0]
                holds(b"with ESMTPSA" in message.replace(b"\n\t", b" "), message[:400])


def run_text(words, text=None):
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=60)


def run(report, root):
    authority = Authority(root)
    relay = Relay(root)
    relay.zone({"localhost": {"A": ["127.0.0.1"]}})
    KeyHost.folder = f"{relay.folder}/keys"
    os.mkdir(KeyHost.folder)
    make_key(KeyHost.folder)
    host = key_host(authority)
    configure(relay, authority)
    os.makedirs(relay.spool)
    baton(relay, "add", USER, stdin=PASSWORD + "\n")
    baton(relay, "add", ROBOT, "--sender", f"@{ROBOT}", "--generate")
    clients = Clients(relay, authority, root)
    relay.start()
    try:
        passwords(report, clients)
        certificates(report, clients)
        report.case("a reload keeps those who have logged in", kept, relay, clients)
        report.case("keys of an issuer by HTTPS", tokens, clients)
        report.case("changed keys count at once", rotated, relay, clients)
        report.case("a redirection of the keys is not followed", refused, clients, "https://moved.test")
        report.case("a private address is not asked for keys", refused, clients, "https://private.test")
        report.case("what was asked", lambda: holds("/private" not in KeyHost.asked and KeyHost.asked.count("/keys") <= 3, KeyHost.asked))
    finally:
        relay.end()
        host.shutdown()


def configure(relay, authority):
    chain, key = authority.issue("relay", ["localhost", "relay.test"])
    issuer = f'issuer: "https://%s", audience: smtp, keys: "https://localhost:{ISSUER}/%s"'
    issuers = ", ".join("{" + issuer % pair + more + "}" for pair, more in (
        (("id.test", "keys"), ", privateAddresses: true"), (("moved.test", "moved"), ", privateAddresses: true"), (("private.test", "private"), "")))
    relay.configure(listeners=f"""
  - {{address: "127.0.0.1:{SMTP}", dialect: submission, clientCertificates: requested}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission}}
  - {{address: "127.0.0.1:{IMPLICIT}", dialect: submission, tls: implicit, clientCertificates: requested}}""", relay="[127.0.0.9/32]",
                    more=f"""tls: {{certificates: [{{chain: "{chain}", key: "{key}"}}], clientAuthorities: "{authority.certificate}",
  trustedCertificates: ["{authority.certificate}"]}}
authentication: {{failureDelay: 10ms, maxFailuresPerClient: 1000, issuers: [{issuers}]}}
policy: {{limits: []}}
""")


def key_host(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("issuer", ["localhost"]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", ISSUER), KeyHost)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def passwords(report, clients):
    for place, implicit in (("port 465", True), ("STARTTLS", False)):
        for mechanism in ("PLAIN", "LOGIN"):
            report.case(f"swaks {mechanism}, {place}", clients.swaks, mechanism, implicit)
            report.case(f"curl {mechanism}, {place}", clients.curl, ["--user", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={mechanism}"], implicit)
        for mechanism in ("plain", "login", "scram-sha-256"):
            report.case(f"msmtp {mechanism}, {place}", clients.msmtp, mechanism, implicit)
    report.case("swaks with a wrong password, port 465", clients.swaks, "PLAIN", True, "wrong", False)
    for mechanism in ("SCRAM-SHA-256", "PLAIN", "LOGIN"):
        report.case(f"gsasl {mechanism}, STARTTLS", clients.gsasl, mechanism)
    report.case("gsasl SCRAM-SHA-256 with a wrong password", clients.gsasl, "SCRAM-SHA-256", "wrong", False)
    report.case("openssl s_client, AUTH PLAIN, port 465", clients.openssl)


def certificates(report, clients):
    chain, key = clients.certificate
    report.case("EXTERNAL with a client certificate", clients.external, clients.certificate, "", 235)
    report.case("EXTERNAL as the name in the certificate", clients.external, clients.certificate, ROBOT, 235)
    report.case("EXTERNAL as somebody else", clients.external, clients.certificate, USER, 535)
    report.case("EXTERNAL without a certificate", clients.external, None, "", 504)
    report.case("curl EXTERNAL, port 465", clients.curl, ["--cert", chain, "--key", key, "--user", f"{ROBOT}:", "--login-options", "AUTH=EXTERNAL"],
                True, True, f"any@{ROBOT}")
    report.case("a certificate of an authority that is not trusted ends the handshake", stranger, clients)


def stranger(clients):
    try:
        clients.external(clients.strange, "", 235)
    except (ssl.SSLError, OSError, smtplib.SMTPException):
        return
    raise AssertionError("it was let in")


def bearer(clients, mechanism, token, works):
    clients.curl(["--user", USER, "--login-options", f"AUTH={mechanism}", "--oauth2-bearer", token], True, works)


def tokens(clients):
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        bearer(clients, mechanism, sign(KeyHost.folder, {}), True)
        bearer(clients, mechanism, sign(KeyHost.folder, {"aud": "web"}), False)
        bearer(clients, mechanism, sign(KeyHost.folder, {"iss": "https://evil.test"}), False)
    equal(KeyHost.asked, ["/keys"], "requests for keys")


def rotated(relay, clients):
    old = sign(KeyHost.folder, {})
    make_key(KeyHost.folder)
    # A restart forgets when the keys were fetched; a minute would do the same.
    bearer(clients, "XOAUTH2", sign(KeyHost.folder, {}), False)
    relay.end()
    relay.start()
    bearer(clients, "XOAUTH2", sign(KeyHost.folder, {}), True)
    bearer(clients, "XOAUTH2", old, False)


def refused(clients, issuer):
    bearer(clients, "XOAUTH2", sign(KeyHost.folder, {"iss": issuer}), False)


def kept(relay, clients):
    context = ssl.create_default_context(cafile=clients.authority.certificate)
    with smtplib.SMTP_SSL("localhost", IMPLICIT, context=context, local_hostname="client.test") as client:
        client.login(USER, PASSWORD)
        relay.reload()
        mark = clients.mark()
        client.sendmail(USER, ["box@local.test"], clients.message(mark))
        relay.arrived("box", mark)
