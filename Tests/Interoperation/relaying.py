"""Strangers send to this host's domains, and to nobody else by any trick."""
import subprocess

from dialogue import Dialogue
from relay import SINK, SMTP, STRANGERS, Relay
from report import equal, holds, need
from sink import Sink

# What a stranger must not reach; `%s` stands for nothing, `local.test` and `relayed.test` are served here.
REMOTE = [
    "you@far.test", "you@[127.0.0.1]", "you@[192.0.2.1]", "you@[IPv6:::1]", "you@sub.local.test", "you@local.test.far.test",
]
TRICKS = [
    "you%far.test@local.test", "you%far.test@[127.0.0.1]", "you%far.test@relay.test", '"you@far.test"@local.test',
    "far.test!you@local.test", '"far.test!you"@local.test', '"you%far.test"@local.test', "you%far.test",
    "@local.test:you@far.test", "@relay.test,@local.test:you@far.test", "you@far.test@local.test", "box@localhost",
]
THROUGH = ["you%far.test@relayed.test", '"you@far.test"@relayed.test', "far.test!you@relayed.test", "@relayed.test:you@far.test"]


def run(report, root):
    relay = Relay(root)
    domains = """
  local.test:
    route: boxes
    mailboxes: [box]
"""
    listeners = f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{STRANGERS}", xclient: [127.0.0.0/8]}}"""
    relay.configure(rules="[{route: sink}]", listeners=listeners, domains=domains, relay="[127.0.0.2/32]",
                    more="relayDomains: [relayed.test]\nlimits: {softErrors: 500, hardErrors: 1000, maxConnectionsPerClientAndMinute: 1000}")
    sink = Sink(SINK)
    relay.start()
    try:
        for source, name in ((None, "by address"), ("192.0.2.77", "by XCLIENT")):
            report.case(f"a stranger, {name}: remote recipients get 554 5.7.1", stranger, source, REMOTE, "5.7.1")
            report.case(f"a stranger, {name}: routes within local parts", stranger, source, TRICKS, None)
            report.case(f"a stranger, {name}: routes through a relay domain", stranger, source, THROUGH, None)
            report.case(f"a stranger, {name}: local, relayed and postmaster are served", served, source)
        report.case("the relay network may send to all", trusted)
        report.case("XCLIENT cannot be used from elsewhere", no_xclient)
        report.case("XCLIENT LOGIN or a local address opens nothing by itself", claims)
        report.case("swaks as a stranger", swaks)
        report.case("nothing of it left", lambda: equal([message for message in sink.messages if message.sender == "stranger@client.test"], []))
    finally:
        relay.end()
        sink.stop()


def session(source):
    """As a stranger: from an address that is not in the relay network, or one that XCLIENT pretends."""
    if source is None:
        return Dialogue(SMTP)
    opened = Dialogue(STRANGERS)
    code, lines = opened.say(f"XCLIENT ADDR={source} NAME=stranger.test")
    equal(code, 220, f"XCLIENT: {lines}")
    opened.expect("EHLO stranger.test", 250)
    return opened


def stranger(source, recipients, status):
    opened = session(source)
    opened.expect("MAIL FROM:<stranger@client.test>", 250)
    wrong = []
    for recipient in recipients:
        code, lines = opened.say(f"RCPT TO:<{recipient}>")
        if code // 100 != 5 or (status and status not in lines[0]):
            wrong.append((recipient, code, lines))
    opened.quit()
    equal(wrong, [])


def served(source):
    opened = session(source)
    opened.expect("MAIL FROM:<other@client.test>", 250)
    for recipient in ("box@local.test", "BOX+tag@LOCAL.test", "any@relayed.test", "postmaster@local.test", "Postmaster",
                      "@local.test:box@local.test"):
        opened.expect(f"RCPT TO:<{recipient}>", 250)
    code, lines = opened.say("RCPT TO:<nobody@local.test>")
    equal(code, 550)
    holds("5.1.1" in lines[0], lines)
    opened.quit()


def trusted():
    opened = Dialogue(SMTP, source="127.0.0.2")
    opened.expect("MAIL FROM:<inside@client.test>", 250)
    for recipient in ("you@far.test", "you%far.test@other.test", "@hop.test:you@far.test"):
        opened.expect(f"RCPT TO:<{recipient}>", 250)
    opened.quit()


def no_xclient():
    opened = Dialogue(SMTP)
    holds("XCLIENT" not in opened.extensions, "XCLIENT is offered")
    code, _ = opened.say("XCLIENT ADDR=127.0.0.2")
    equal(code // 100, 5)
    opened.expect("MAIL FROM:<stranger@client.test>", 250)
    code, lines = opened.say("RCPT TO:<you@far.test>")
    equal(code, 554, lines)
    opened.quit()


def claims():
    for hello in ("EHLO relay.test", "EHLO [127.0.0.2]", "EHLO local.test"):
        opened = Dialogue(SMTP, hello=hello)
        for sender in ("box@local.test", "postmaster@relay.test", ""):
            opened.expect(f"MAIL FROM:<{sender}>", 250)
            code, lines = opened.say("RCPT TO:<you@far.test>")
            equal(code, 554, lines)
            opened.expect("RSET", 250)
        opened.quit()


def swaks():
    need("swaks")
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{SMTP}", "--from", "stranger@client.test", "--to", "you@far.test"],
                          capture_output=True, text=True, timeout=30)
    holds(done.returncode != 0, "swaks got through")
    holds("554 5.7.1" in done.stdout, done.stdout[-600:])
