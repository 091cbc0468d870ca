"""Postfix → Baton → Postfix: an alias leads outside, DKIM stays whole byte for byte, and others read the ARC set on top."""
import json
import os
import re
import subprocess

from dialogue import send
from peers import Postfix
from relay import BATON, POSTFIX, POSTFIX2, SINK, SMTP, Relay
from report import Skip, equal, holds, until
from sink import Sink

DOMAIN, SEALER = "signed.test", "sealer.test"
HEAD = ("From: Alice <alice@signed.test>\r\nTo: sales@local.test\r\nSubject:  one\ttwo \r\n three {name}\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        "Message-ID: <{name}@signed.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
BODIES = {
    "text": b"Hello  there \r\n\r\nbye\r\n", "8-bit": "smörgåsbord, 世界\r\n".encode() + bytes(range(0xa0, 0x100)) + b"\r\n", "empty": b"",
    "long lines": b"\r\n".join(b"x" * count for count in (76, 512, 990, 998)) + b"\r\n", "trailing blanks": b"a \t \r\n\t\r\n \r\nend \t\r\n",
    "empty lines at the end": b"text\r\n\r\n\r\n\r\n", "dots": b".\r\n..\r\n.a\r\n \r\n.\r\n", "From and quotes": b"From here\r\n>From there\r\n>>x\r\n",
    "large": b"A line  of a large message \r\n" * 60_000,
}
PERL = r"""
use strict; use Mail::DKIM::ARC::Verifier; use Mail::DKIM::DNS; use Net::DNS; use JSON::PP;
my $records = decode_json($ENV{RECORDS});
binmode STDIN; my $message = do { local $/; <STDIN> };
no warnings 'redefine';
my $find = sub { my $text = $records->{$_[0]}; return unless $text;
                 Net::DNS::RR->new(owner => $_[0], type => 'TXT', txtdata => [unpack '(A255)*', $text]) };
*Mail::DKIM::DNS::query = sub { $find->($_[0]) };
*Mail::DKIM::DNS::query_async = sub { my ($name, $type, %p) = @_; my @found = $find->($name);
                                      my @answer = $p{Callbacks}{Success}->(@found); sub { @answer } };
my $arc = Mail::DKIM::ARC::Verifier->new(Strict => 1); $arc->PRINT($message); $arc->CLOSE;
print $arc->result, ' ', $arc->result_detail;
"""


def run(report, root):
    try:
        import dkim
    except ImportError:
        raise Skip("dkimpy is absent")
    keys, records, relay = os.path.join(root, "keys"), {}, Relay(root)
    os.mkdir(keys, 0o700)
    for domain, kind in ((DOMAIN, "rsa"), (SEALER, "rsa"), ("relay.test", "rsa"), ("relay.test", "ed25519")):
        made = subprocess.run([BATON, "dkim", "generate", domain, "--type", kind, "--selector", kind, "--directory", keys], capture_output=True, text=True)
        equal(made.returncode, 0, made.stderr)
        name, text = made.stdout.split(". IN TXT ", 1)
        records[name] = "".join(text.split('"')[1::2])
    relay.zone({**{name: {"TXT": [text]} for name, text in records.items()}, DOMAIN: {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
                f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=reject"]}})
    with open(f"{relay.folder}/srs", "w") as file:
        file.write("a secret of the test\n")
    # Strangers: Postfix comes from an address that may not relay.
    relay.configure(relay="[127.0.0.2/32]", routes=f"""  next: {{type: smarthost, hosts: ["127.0.0.1:{POSTFIX2}"]}}
  no: {{type: reject}}""", rules=f"[{{recipients: [far.test, {DOMAIN}], route: next}}, {{recipients: [refused.test], route: no}}]",
                    domains="""
  local.test:
    route: boxes
    mailboxes: [box]
    aliases: {sales: [you@far.test], nobody: [x@refused.test]}
""", more=f"""verification: {{mode: enforce, spfFail: reject}}
forwarding: {{srsSecretFile: "{relay.folder}/srs", seal: {{domain: {SEALER}}}}}
dkim: {{directory: "{keys}"}}
queue: {{retrySchedule: [1s], retryJitter: 0%}}
policy: {{limits: []}}""")
    sink = Sink(SINK)
    first = last = None
    relay.start()
    try:
        for folder in ("first", "last"):
            os.mkdir(os.path.join(root, folder))
        first = Postfix(os.path.join(root, "first"), f"[127.0.0.1]:{SMTP}")
        last = Postfix(os.path.join(root, "last"), f"[127.0.0.1]:{SINK}", port=POSTFIX2)
        for form in (("relaxed", "relaxed"), ("simple", "simple")):
            for name, body in BODIES.items():
                report.case(f"{'/'.join(form)}, {name}", forward, sink, keys, records, form, name, body)
        report.case("a header without a body", forward, sink, keys, records, ("simple", "simple"), "headless", None)
        report.case("our own report about a forwarded message is signed", bounce, sink, keys, records)
        report.case("the sink saw nothing out of form", lambda: equal(sink.failures, []))
    finally:
        for peer in (first, last):
            if peer:
                peer.stop()
        relay.end()
        sink.stop()


def signed(keys, form, name, body):
    import dkim
    message = HEAD.format(name=name.replace(" ", "-")).encode() + (b"\r\n" + body if body is not None else b"")
    with open(f"{keys}/{DOMAIN}/rsa.pem", "rb") as file:
        field = dkim.sign(message, b"rsa", DOMAIN.encode(), file.read(), canonicalize=tuple(word.encode() for word in form))
    return field + message


def finder(records):
    texts = {name + ".": text.encode() for name, text in records.items()}
    return lambda name, timeout=5: texts.get(name.decode() if isinstance(name, bytes) else name)


def forward(sink, keys, records, form, name, body):
    import dkim
    message = signed(keys, form, name, body)
    before = len(sink.messages)
    send(POSTFIX, f"alice@{DOMAIN}", ["sales@local.test"], message, mail="BODY=8BITMIME")
    until(lambda: len(sink.messages) > before, 60, "arrival behind the second Postfix")
    arrived = sink.messages[-1]
    holds(arrived.content.endswith(message), f"not byte for byte: {arrived.content[-300:]!r}")
    above = arrived.content[:len(arrived.content) - len(message)]
    holds(re.fullmatch(rb"(?:(?:Received|ARC-Seal|ARC-Message-Signature|ARC-Authentication-Results|Authentication-Results|Received-SPF):.*\r\n(?:[ \t].*\r\n)*)+", above), above)
    holds(re.match(rf"SRS0=\S+={DOMAIN}=alice@relay.test$", arrived.sender), arrived.sender)
    find = finder(records)
    holds(dkim.DKIM(arrived.content).verify(dnsfunc=find), "dkimpy: the signature is broken")
    status, results, reason = dkim.arc_verify(arrived.content, dnsfunc=find)
    equal(status, b"pass", f"dkimpy's ARC: {reason}")
    holds(b"dkim=pass" in above and b"dmarc=pass" in above and f"d={SEALER}".encode() in above, above)
    if subprocess.run(["perl", "-MMail::DKIM::ARC::Verifier", "-e1"], capture_output=True).returncode == 0:
        done = subprocess.run(["perl", "-e", PERL], input=arrived.content, capture_output=True, env={**os.environ, "RECORDS": json.dumps(records)})
        holds(done.stdout.startswith(b"pass"), f"Mail::DKIM's ARC: {done.stdout} {done.stderr}")


def bounce(sink, keys, records):
    """What an alias leads to is refused: the report goes back with signatures of the relay's own name."""
    import dkim
    before = len(sink.messages)
    send(POSTFIX, f"alice@{DOMAIN}", ["nobody@local.test"], signed(keys, ("simple", "simple"), "refused", b"hello\r\n"))
    until(lambda: len(sink.messages) > before, 60, "the report")
    report = sink.messages[-1]
    equal((report.sender, [address for address, _ in report.recipients]), ("", [f"alice@{DOMAIN}"]))
    fields = re.findall(rb"(?m)^DKIM-Signature:(?:.*\r\n[ \t])*.*d=relay\.test;", report.content.partition(b"\r\n\r\n")[0])
    equal(len(fields), 2, "signatures")
    for index in range(2):
        holds(dkim.DKIM(report.content).verify(idx=index, dnsfunc=finder(records)), f"signature {index} is broken")
