"""Certificates by ACME from Let's Encrypt's test server, Pebble, in all three ways."""
import json
import os
import shutil
import socket
import struct
import subprocess
import threading

from relay import ACME, ACME_CHALLENGES, ACME_DNS, ACME_MANAGEMENT, SMTP, Relay
from report import equal, holds, need, until
from tls import openssl, subject


def run(report, root):
    need("pebble")
    need("openssl")
    names = Names(f"{root}/records")
    pebble = Pebble(root)
    try:
        for kind in ("http-01", "tls-alpn-01", "dns-01"):
            report.case(f"a certificate by {kind}, used at once, kept over a restart", ordered, root, pebble, names, kind)
        report.case("a challenge that fails is told and tried again later", failing, root, pebble)
    finally:
        pebble.stop()
        names.stop()


class Names(threading.Thread):
    """A name server: every name is at 127.0.0.1; TXT records are in a file of lines `name value`."""

    def __init__(self, file):
        super().__init__(daemon=True)
        self.file = file
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", ACME_DNS))
        self.start()

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self.answer(query), client)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, = struct.unpack(">H", query[at + 1:at + 3])
        question = query[12:at + 5]
        name = ".".join(labels).lower()
        data = []
        if kind == 1:
            data = [bytes([127, 0, 0, 1])]
        elif kind == 16 and os.path.exists(self.file):
            with open(self.file, encoding="utf-8") as lines:
                values = [line.split()[1] for line in lines if line.split()[0] == name]
            data = [bytes([len(value)]) + value.encode() for value in values]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(item)) + item for item in data)
        return query[:2] + struct.pack(">HHHHH", 0x8580, 1, len(data), 0, 0) + question + records

    def stop(self):
        self.socket.close()


class Pebble:
    def __init__(self, root):
        self.folder = f"{root}/pebble"
        os.makedirs(self.folder)
        self.certificate = f"{self.folder}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{self.folder}/key.pem",
                        "-out", self.certificate], check=True, capture_output=True)
        with open(f"{self.folder}/config.json", "w", encoding="utf-8") as file:
            json.dump({"pebble": {
                "listenAddress": f"127.0.0.1:{ACME}", "managementListenAddress": f"127.0.0.1:{ACME_MANAGEMENT}",
                "certificate": self.certificate, "privateKey": f"{self.folder}/key.pem", "httpPort": ACME_CHALLENGES,
                "tlsPort": ACME_CHALLENGES, "ocspResponderURL": "", "externalAccountBindingRequired": False}}, file)
        environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="20", PEBBLE_AUTHZREUSE="0")
        self.log = open(f"{self.folder}/log", "wb")
        self.process = subprocess.Popen(["pebble", "-config", f"{self.folder}/config.json", "-dnsserver", f"127.0.0.1:{ACME_DNS}"],
                                        stdout=self.log, stderr=self.log, env=environment)
        until(self.listens, 15, "the start of Pebble")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", ACME), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


def relay_with(root, pebble, kind, name):
    relay = Relay(root, name)
    relay.zone({"localhost": {"A": ["127.0.0.1"]}})
    more = ""
    if kind == "dns-01":
        hook = f"{relay.folder}/hook"
        with open(hook, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
case $1 in
present) echo "$2 $3" >> {relay.spool}/records ;;
cleanup) : > {relay.spool}/records ;;
esac
""")
        os.chmod(hook, 0o755)
        more = f', hook: "{hook}"'
    else:
        more = f', listener: "127.0.0.1:{ACME_CHALLENGES}"'
    relay.configure(more=f"""tls:
  acme: {{agreesToTerms: true, directory: "https://localhost:{ACME}/dir", names: [relay.test, mail.relay.test], challenge: {kind},
    contacts: [postmaster@relay.test], trustedCertificates: ["{pebble.certificate}"], privateAddresses: true{more}}}
""")
    return relay


def issuer(out):
    return next((line for line in out.splitlines() if line.startswith("issuer=")), "")


def ordered(root, pebble, names, kind):
    relay = relay_with(root, pebble, kind, kind)
    names.file = f"{relay.spool}/records"
    relay.start()
    try:
        until(lambda: "event=certificate-renewed" in relay.log(), 60, f"a certificate: {relay.log()[-800:]}")
        first = openssl("-servername", "mail.relay.test", "-verify_hostname", "mail.relay.test")
        holds("Pebble" in issuer(first), issuer(first))
        relay.end()
        before = os.path.getmtime(f"{relay.spool}/tls/acme.pem")
        relay.start()
        second = openssl("-servername", "relay.test")
        equal(first.split("BEGIN CERTIFICATE")[1][:200], second.split("BEGIN CERTIFICATE")[1][:200], "the certificate at the second start")
        equal(os.path.getmtime(f"{relay.spool}/tls/acme.pem"), before, "the time of the file")
    finally:
        relay.end()
    shutil.rmtree(relay.spool, ignore_errors=True)


def failing(root, pebble):
    relay = relay_with(root, pebble, "dns-01", "failing")
    with open(f"{relay.folder}/hook", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexit 3\n")
    relay.start()
    try:
        until(lambda: "event=certificate-not-renewed" in relay.log(), 60, "the failure")
        holds("ended with 3" in relay.log(), relay.log()[-500:])
        holds("relay.test" in subject(openssl("-servername", "relay.test")), "its own certificate serves meanwhile")
    finally:
        relay.end()
