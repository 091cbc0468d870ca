"""DKIM: dkimpy and Mail::DKIM verify what Baton signs on its way in, and Baton verifies what they sign."""
import base64
import json
import os
import subprocess

from dialogue import send
from relay import BATON, SINK, SMTP, Relay, commands
from report import Skip, equal, holds, until
from sink import Sink

DOMAIN = "signed.test"
BODIES = {
    "text": "Hello  there \r\n\r\nbye\r\n\r\n\r\n", "empty": "", "tabs": "\ta\t \tb \r\n \r\n", "8bit": "smörgåsbord\r\n",
    "long": "A line  of a large message \r\n" * 30000,
}
FORMS = [(header, body) for header in ("relaxed", "simple") for body in ("relaxed", "simple")]


def run(report, root):
    if "dkim" not in commands():
        raise Skip("this baton has no dkim command")
    relay = Relay(root)
    keys = os.path.join(relay.folder, "dkim")
    os.mkdir(keys, 0o700)
    records = {}
    for kind in ("rsa", "ed25519"):
        made = subprocess.run([BATON, "dkim", "generate", DOMAIN, "--type", kind, "--selector", kind, "--directory", keys],
                              capture_output=True, text=True)
        equal(made.returncode, 0, made.stderr)
        name, text = made.stdout.split(". IN TXT ", 1)
        records[name] = "".join(text.split('"')[1::2])
    relay.zone({name: {"TXT": [text]} for name, text in records.items()})
    relay.configure(rules="[{route: sink}]", more=f'dkim: {{directory: "{keys}"}}')
    sink = Sink(SINK)
    relay.start()
    try:
        report.case("the record that is printed is the one that check wants", published, relay, keys, records)
        messages = {}
        for name, body in BODIES.items():
            report.case(f"Baton signs: {name}", signs, sink, name, body, messages)
        for name, message in messages.items():
            report.case(f"dkimpy verifies: {name}", dkimpy_verifies, message, records)
            report.case(f"Mail::DKIM verifies: {name}", perl_verifies, message, records)
        report.case("Baton verifies what it signed", baton_verifies, relay, [(m, ["pass", "pass"]) for m in messages.values()])
        report.case("Baton verifies what dkimpy signs", from_dkimpy, relay, keys)
        report.case("Baton verifies what Mail::DKIM signs", from_perl, relay, keys)
    finally:
        relay.end()
        sink.stop()


def published(relay, keys, records):
    zone = os.path.join(relay.folder, "zone.json")
    done = subprocess.run([BATON, "dkim", "check", "--directory", keys, "--zone", zone, "--json"], capture_output=True, text=True)
    equal(done.returncode, 0, done.stdout + done.stderr)
    equal([row["dns"] for row in json.loads(done.stdout)], ["published"] * len(records))


def plain(name, body):
    return (f"From: Alice <alice@{DOMAIN}>\r\nTo: you@elsewhere.test\r\nSubject:  one\ttwo\r\n three {name}\r\n"
            f"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <{name}@{DOMAIN}>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}").encode()


def signs(sink, name, body, messages):
    before = len(sink.messages)
    send(SMTP, f"alice@{DOMAIN}", ["you@elsewhere.test"], plain(name, body))
    until(lambda: len(sink.messages) > before, 20, "arrival at the sink")
    message = sink.messages[-1].content
    equal(message.lower().count(b"dkim-signature:"), 2, "signatures")
    messages[name] = message


def dkimpy_verifies(message, records):
    try:
        import dkim
    except ImportError:
        raise Skip("dkimpy is absent")
    texts = {name + ".": text.encode() for name, text in records.items()}
    for index in range(2):
        checker = dkim.DKIM(message)
        holds(checker.verify(idx=index, dnsfunc=lambda name, timeout=5: texts.get(name.decode() if isinstance(name, bytes) else name)),
              f"signature {index}")


PERL = r"""
use strict; use Mail::DKIM::Verifier; use Mail::DKIM::Signer; use Mail::DKIM::PrivateKey; use Mail::DKIM::DNS; use Net::DNS; use JSON::PP;
my $order = decode_json($ENV{ORDER});
binmode STDIN; binmode STDOUT; my $message = do { local $/; <STDIN> };
no warnings 'redefine';
my $find = sub { my $text = $order->{records}{$_[0]}; return unless $text;
                 Net::DNS::RR->new(owner => $_[0], type => 'TXT', txtdata => [unpack '(A255)*', $text]) };
*Mail::DKIM::DNS::query = sub { $find->($_[0]) };
*Mail::DKIM::DNS::query_async = sub { my ($name, $type, %p) = @_; my @found = $find->($name);
                                      my @answer = $p{Callbacks}{Success}->(@found); sub { @answer } };
if ($order->{sign}) {
    my $key = Mail::DKIM::PrivateKey->load(File => $order->{key});
    my $dkim = Mail::DKIM::Signer->new(Algorithm => $order->{algorithm}, Method => $order->{form}, Domain => $order->{domain},
                                       Selector => $order->{selector}, Key => $key);
    $dkim->PRINT($message); $dkim->CLOSE;
    print $dkim->signature->as_string, "\r\n", $message;
} else {
    my $dkim = Mail::DKIM::Verifier->new; $dkim->PRINT($message); $dkim->CLOSE;
    print join ' ', map { $_->result } $dkim->signatures;
}
"""


def perl(order, message):
    if subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True).returncode != 0:
        raise Skip("Mail::DKIM is absent")
    done = subprocess.run(["perl", "-e", PERL], input=message, capture_output=True, env={**os.environ, "ORDER": json.dumps(order)})
    equal(done.returncode, 0, done.stderr.decode())
    return done.stdout


def perl_verifies(message, records):
    ed25519, rsa = perl({"records": records}, message).decode().split()
    equal(rsa, "pass", "RSA")
    # Older versions do not know Ed25519.
    holds(ed25519 in ("pass", "invalid"), f"Ed25519: {ed25519}")


def baton_verifies(relay, cases):
    if "auth" not in commands():
        raise Skip("this baton has no auth command")
    requests = "".join(json.dumps({"id": str(index), "ip": "192.0.2.1", "helo": "x.test", "from": f"alice@{DOMAIN}", "at": 1700000000 + 10**9,
                                   "zone": os.path.join(relay.folder, "zone.json"), "message": base64.b64encode(message).decode()}) + "\n"
                       for index, (message, _) in enumerate(cases))
    done = subprocess.run([BATON, "auth", "check", "--batch"], input=requests.encode(), capture_output=True, timeout=60)
    equal(done.returncode, 0, done.stderr.decode())
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    for index, (_, expected) in enumerate(cases):
        equal([one["result"] for one in answers[str(index)]["dkim"]], expected, f"case {index}")


def seed(keys, folder):
    """The bare seed of the Ed25519 key, as dkimpy wants it."""
    path = os.path.join(folder, "ed25519.seed")
    der = subprocess.run(["openssl", "pkey", "-in", f"{keys}/{DOMAIN}/ed25519.pem", "-outform", "DER"], capture_output=True).stdout
    with open(path, "wb") as file:
        file.write(base64.b64encode(der[-32:]))
    return path


def from_dkimpy(relay, keys):
    try:
        import dkim
    except ImportError:
        raise Skip("dkimpy is absent")
    cases = []
    for kind, path in (("rsa", f"{keys}/{DOMAIN}/rsa.pem"), ("ed25519", seed(keys, relay.folder))):
        with open(path, "rb") as file:
            key = file.read()
        for header, body in FORMS:
            for name, text in BODIES.items():
                message = plain(name, text)
                field = dkim.sign(message, kind.encode(), DOMAIN.encode(), key, canonicalize=(header.encode(), body.encode()),
                                  signature_algorithm=f"{kind}-sha256".encode())
                cases.append((field + message, ["pass"]))
    baton_verifies(relay, cases)


def from_perl(relay, keys):
    # It reads PKCS#1 alone.
    path = os.path.join(relay.folder, "pkcs1.pem")
    subprocess.run(["openssl", "rsa", "-in", f"{keys}/{DOMAIN}/rsa.pem", "-traditional", "-out", path], check=True, capture_output=True)
    cases = []
    for header, body in FORMS:
        for name, text in BODIES.items():
            order = {"sign": True, "key": path, "algorithm": "rsa-sha256", "form": f"{header}/{body}", "domain": DOMAIN, "selector": "rsa"}
            cases.append((perl(order, plain(name, text)), ["pass"]))
    baton_verifies(relay, cases)
