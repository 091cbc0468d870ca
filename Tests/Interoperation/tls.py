"""TLS in both directions: openssl, swaks, curl, Python, Postfix."""
import os
import socket
import ssl
import subprocess
import time

from dialogue import send
from octets import mail
from peers import Postfix
from relay import CERTIFIED, IMPLICIT, POSTFIX, SMTP, SUBMISSION, Relay
from report import equal, holds, need, until

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures", "tls")
LISTENERS = f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission, tls: required}}
  - {{address: "127.0.0.1:{IMPLICIT}", dialect: submission, tls: implicit}}
  - {{address: "127.0.0.1:{CERTIFIED}", clientCertificates: required}}"""


def fixture(name):
    return os.path.realpath(os.path.join(FIXTURES, name))


def certificates(*names):
    files = ", ".join(f'{{chain: "{fixture(name)}.pem", key: "{fixture(name)}.key"}}' for name in names)
    return f'tls: {{certificates: [{files}], clientAuthorities: "{fixture("authority.pem")}", trustedCertificates: ["{fixture("authority.pem")}"]}}'


def run(report, root):
    relay = Relay(root)
    routes = f"""
  encrypted: {{type: smarthost, hosts: ["127.0.0.1:{POSTFIX}"], tls: encrypt}}
  opportunistic: {{type: smarthost, hosts: ["127.0.0.1:{POSTFIX}"]}}
  verified: {{type: smarthost, hosts: ["mx.example:{POSTFIX}"], tls: verify}}
  misnamed: {{type: smarthost, hosts: ["wrong.example:{POSTFIX}"], tls: verify}}
"""
    rules = "[{recipients: [encrypted.test], route: encrypted}, {recipients: [opportunistic.test], route: opportunistic}, " \
            "{recipients: [verified.test], route: verified}, {recipients: [misnamed.test], route: misnamed}]"
    relay.zone({"mx.example": {"A": ["127.0.0.1"]}, "wrong.example": {"A": ["127.0.0.1"]}})
    retries = "queue: {retrySchedule: [1s], retryJitter: 0%}\n"
    relay.configure(routes, rules, retries + certificates("ecdsa", "rsa", "other"), LISTENERS)
    relay.start()
    try:
        for version in ("tls1_2", "tls1_3"):
            report.case(f"openssl, {version}, verified", verified, version)
        report.case("openssl, TLS 1.1 is refused", old)
        report.case("openssl, the certificate is chosen by name", names)
        report.case("openssl, who knows no ECDSA gets RSA", rsa)
        for version in ("tls1_2", "tls1_3"):
            report.case(f"openssl, a session is resumed, {version}", resumed, root, version)
            report.case(f"openssl, no ticket crosses listeners, {version}", crossing, root, version)
        report.case("openssl, a protocol that is not ours gets an alert", protocols)
        report.case("openssl, client certificates", certified)
        report.case("a resumed session with a client certificate", resumed_certified, root)
        report.case("swaks --tls", swaks, relay, SMTP, "--tls")
        report.case("swaks, 530 in the clear where TLS is required", required)
        report.case("swaks --tls-on-connect", swaks, relay, IMPLICIT, "--tls-on-connect")
        report.case("curl smtps://", curl, relay)
        report.case("clear text behind STARTTLS is dropped", injected)
        report.case("HTTP at the SMTP port, and clear text at the TLS port", other_protocols)
        report.case("a large message under TLS", large, relay)
        report.case("a reload changes certificates and drops no connection", reload, relay, routes, rules, retries)
        report.case("Postfix by TLS", postfix, relay, root, report)
    finally:
        relay.end()
    report.case("a certificate of its own at the first start, kept at the second", own, root)


def openssl(*words, port=SMTP, starttls=True, text="QUIT\n"):
    need("openssl")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", fixture("authority.pem"), "-crlf", "-ign_eof", *words]
    if starttls:
        command += ["-starttls", "smtp"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def verified(version):
    out = openssl("-" + version, "-servername", "mx.example", "-verify_hostname", "mx.example", "-verify_return_error")
    holds("Verification: OK" in out, out[-1500:])
    holds("Verified peername: mx.example" in out, out[-1500:])


def old():
    out = openssl("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    holds("protocol version" in out, out[-800:])


def subject(out):
    return next((line for line in out.splitlines() if line.startswith("subject=")), "")


def names():
    for asked, expected in (("mail.example", "ecdsa"), ("a.other.example", "other"), ("nobody.example", "ecdsa")):
        equal(subject(openssl("-servername", asked)).split("CN = ")[-1].split("=")[-1].strip(), expected, asked)


def rsa():
    equal(subject(openssl("-servername", "mx.example", "-sigalgs", "rsa_pss_rsae_sha256")).split("=")[-1].strip(), "rsa", "TLS 1.3")
    out = openssl("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    equal(subject(out).split("=")[-1].strip(), "rsa", "TLS 1.2")


def resumed(root, version):
    file = f"{root}/session-{version}"
    openssl("-" + version, "-sess_out", file, text="EHLO x\nQUIT\n")
    out = openssl("-" + version, "-sess_in", file)
    holds("Reused, " in out, out[-800:])


def crossing(root, version):
    file = f"{root}/crossing-{version}"
    openssl("-" + version, "-sess_out", file, port=SUBMISSION, text="EHLO x\nQUIT\n")
    holds(os.path.exists(file), "no session")
    out = openssl("-" + version, "-sess_in", file)
    holds("New, " in out and "Reused, " not in out, out[-800:])


def protocols():
    out = openssl("-alpn", "h2,http/1.1")
    holds("no application protocol" in out, out[-800:])
    out = openssl("-alpn", "h2,smtp")
    holds("ALPN protocol: smtp" in out, out[-800:])


CLIENT = ("-cert", "client.pem", "-key", "client.key")


def client_files():
    return [fixture(word) if word.startswith("client") else word for word in CLIENT]


def certified():
    out = openssl(*client_files(), port=CERTIFIED)
    holds("221 2.0.0" in out, out[-800:])
    out = openssl(port=CERTIFIED)
    holds("221 2.0.0" not in out and "alert" in out, out[-800:])


def resumed_certified(root):
    for version in ("tls1_2", "tls1_3"):
        file = f"{root}/certified-{version}"
        openssl(*client_files(), "-" + version, "-sess_out", file, port=CERTIFIED, text="EHLO x\nQUIT\n")
        out = openssl(*client_files(), "-" + version, "-sess_in", file, port=CERTIFIED)
        holds("221 2.0.0" in out, f"{version}: {out[-800:]}")


def swaks(relay, port, *words):
    need("swaks")
    mark = f"swaks-{port}"
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", *words, "--from", "me@client.test", "--to", "box@local.test",
                           "--header", f"X-Mark: {mark}", "--body", "hello"], capture_output=True, text=True, timeout=30)
    equal(done.returncode, 0, done.stdout[-800:])
    message, = relay.arrived("box", f"X-Mark: {mark}")
    holds(b"with ESMTPS (TLSv1.3) id" in message, message[:600])
    trace = relay.command("trace", "box@local.test").stdout
    holds("tls=TLSv1.3" in trace, trace)


def required():
    need("swaks")
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{SUBMISSION}", "--from", "me@client.test", "--to", "box@local.test"],
                          capture_output=True, text=True, timeout=30)
    holds("530 5.7.0" in done.stdout, done.stdout[-800:])


def curl(relay):
    need("curl")
    done = subprocess.run(["curl", "-sS", "--url", f"smtps://127.0.0.1:{IMPLICIT}", "--cacert", fixture("authority.pem"),
                           "--connect-to", f"mx.example:{IMPLICIT}:127.0.0.1:{IMPLICIT}", "--url", f"smtps://mx.example:{IMPLICIT}",
                           "--mail-from", "me@client.test", "--mail-rcpt", "box@local.test", "-T", "-", "-k"],
                          input="X-Mark: by-curl-tls\r\n\r\nhello\r\n", capture_output=True, text=True, timeout=30)
    relay.arrived("box", "X-Mark: by-curl-tls")
    holds(done.returncode in (0, 26, 60), done.stderr)


def trusting():
    context = ssl.create_default_context(cafile=fixture("authority.pem"))
    return context


def injected():
    plain = socket.create_connection(("127.0.0.1", SMTP), 10)
    plain.recv(1000)
    plain.sendall(b"EHLO x\r\n")
    plain.recv(2000)
    plain.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@client.test>\r\n")
    holds(plain.recv(100).startswith(b"220 "), "no 220")
    secure = trusting().wrap_socket(plain, server_hostname="mx.example")
    secure.settimeout(10)
    secure.sendall(b"NOOP\r\n")
    equal(secure.recv(1000), b"250 2.0.0 OK\r\n", "the first reply under TLS")
    secure.sendall(b"RCPT TO:<box@local.test>\r\n")
    holds(secure.recv(1000).startswith(b"503"), "a transaction that began in the clear")
    secure.close()


def other_protocols():
    with socket.create_connection(("127.0.0.1", SMTP), 10) as plain:
        plain.recv(1000)
        plain.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@client.test>\r\n")
        time.sleep(0.2)
        out = b""
        while part := plain.recv(1000):
            out += part
        holds(b"250" not in out, out)
    with socket.create_connection(("127.0.0.1", IMPLICIT), 10) as plain:
        plain.sendall(b"EHLO x\r\n")
        try:
            equal(plain.recv(1000), b"", "clear text at the TLS port")
        except ConnectionResetError:
            pass


def large(relay):
    body = (b"x" * 76 + b"\r\n") * 150_000
    message = mail("tls-large", body)
    with socket.create_connection(("127.0.0.1", IMPLICIT), 30) as plain, \
            trusting().wrap_socket(plain, server_hostname="mx.example") as secure:
        replies = secure.makefile("rb")
        replies.readline()
        for line in (b"EHLO x", b"MAIL FROM:<me@client.test>", b"RCPT TO:<large@local.test>", b"DATA"):
            secure.sendall(line + b"\r\n")
            while replies.readline()[3:4] == b"-":
                pass
        secure.sendall(message + b".\r\n")
        holds(replies.readline().startswith(b"250 2.0.0"), "not taken")
    got, = relay.arrived("large", "tls-large")
    holds(got.replace(b"\r\n", b"\n").endswith(body.replace(b"\r\n", b"\n")), "differs")


def reload(relay, routes, rules, retries):
    plain = socket.create_connection(("127.0.0.1", IMPLICIT), 10)
    secure = trusting().wrap_socket(plain, server_hostname="mx.example")
    secure.recv(1000)
    relay.configure(routes, rules, retries + certificates("other"), LISTENERS)
    relay.reload()
    equal(subject(openssl("-servername", "mx.example")).split("=")[-1].strip(), "other", "after the reload")
    secure.sendall(b"NOOP\r\n")
    equal(secure.recv(1000), b"250 2.0.0 OK\r\n", "the connection from before")
    secure.close()
    # A key that does not fit changes nothing.
    with open(relay.file, encoding="utf-8") as file:
        text = file.read()
    with open(relay.file, "w", encoding="utf-8") as file:
        file.write(text.replace(fixture("other") + ".key", fixture("rsa") + ".key"))
    relay.reload("reload-refused")
    equal(subject(openssl()).split("=")[-1].strip(), "other", "after the refused reload")
    relay.configure(routes, rules, retries + certificates("ecdsa", "rsa", "other"), LISTENERS)
    relay.reload()


def postfix(relay, root, report):
    more = f"""smtpd_tls_security_level = may
smtpd_tls_cert_file = {fixture("rsa")}.pem
smtpd_tls_key_file = {fixture("rsa")}.key
smtpd_tls_received_header = yes
"""
    peer = Postfix(root, "", "encrypted.test, opportunistic.test, verified.test, misnamed.test", more)
    try:
        for name, word in (("encrypted", "TLSv1.3 encrypt"), ("opportunistic", "TLSv1.3 opportunistic"), ("verified", "TLSv1.3 verify verified")):
            report.case(f"Baton to Postfix, {name}", outgoing, relay, peer, name, word)
        report.case("Baton to Postfix, a certificate for another name: mail waits", misnamed, relay)
    finally:
        peer.stop()
    second = f"{root}/second"
    os.mkdir(second)
    peer = Postfix(second, f"[127.0.0.1]:{SMTP}", "", "smtp_tls_security_level = encrypt\n")
    try:
        report.case("Postfix to Baton, encrypt", incoming, relay)
    finally:
        peer.stop()


def outgoing(relay, peer, name, word):
    send(SMTP, "me@client.test", f"box@{name}.test", mail(f"out-{name}", b"x\r\n"))
    mark = f"out-{name}".encode()
    message, = until(lambda: [message for message in peer.messages() if mark in message], 20, "arrival at Postfix")
    holds(b"using TLSv1.3" in message, message[:800])
    trace = relay.command("trace", f"box@{name}.test").stdout
    holds(word in trace, trace)


def misnamed(relay):
    send(SMTP, "me@client.test", "box@misnamed.test", mail("out-misnamed", b"x\r\n"))

    def waits():
        trace = relay.command("trace", "box@misnamed.test").stdout
        return trace if "certificate is for other names" in trace else None
    holds("deferred" in until(waits, 15, "a diagnosis in the trace"), "not deferred")


def incoming(relay):
    send(POSTFIX, "me@client.test", "box@local.test", mail("from-postfix", b"x\r\n"))
    message, = relay.arrived("box", "from-postfix")
    holds(b"with ESMTPS (TLSv1.3) id" in message, message[:600])


def own(root):
    relay = Relay(root, "own")
    relay.configure()
    relay.start()
    try:
        first = openssl("-servername", "relay.test")
        equal(subject(first).split("=")[-1].strip(), "relay.test", "the name")
        relay.end()
        relay.start()
        second = openssl("-servername", "relay.test")
        equal(first.split("BEGIN CERTIFICATE")[1][:200], second.split("BEGIN CERTIFICATE")[1][:200], "the certificate at the second start")
        equal(os.stat(f"{relay.spool}/tls/self-signed.key").st_mode & 0o777, 0o600, "who can read the key")
    finally:
        relay.end()
