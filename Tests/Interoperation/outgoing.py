"""Mail goes out to Dovecot, Postfix, smtp-sink and hosts that are not there."""
import re
import subprocess

from dialogue import send
from octets import TRACE, bodies, mail, untouched
from peers import Dovecot, Postfix, listens
from relay import DEAD, DOVECOT, POSTFIX, SINK, SINK2, SMTP, SMTP_SINK, SUBMISSION, Relay
from report import equal, holds, need, until
from sink import Sink


def run(report, root):
    relay = Relay(root)
    relay.zone({
        "byname.test": {"MX": ["20 dead.byname.test", "10 nowhere.byname.test", "30 mx.byname.test"]},
        "dead.byname.test": {"A": ["127.0.0.9"]},
        "mx.byname.test": {"A": ["127.0.0.1"]},
        "implicit.test": {"A": ["127.0.0.1"]},
        "alias.test": {"CNAME": ["byname.test"]},
        "null.test": {"MX": ["0 ."]},
        "nohost.test": {"TXT": ["nothing"]},
        "loop.test": {"MX": ["10 relay.test"]},
        "servfail.test": {"rcode": "SERVFAIL"},
        "relay.test": {"A": ["127.0.0.1"]},
        "xn--bcher-kva.test": {"MX": ["10 mx.byname.test"]},
    })
    routes = f"""
  dovecot: {{type: lmtp, hosts: ["127.0.0.1:{DOVECOT}"]}}
  socket: {{type: lmtp, hosts: ["unix:{root}/dovecot/lmtp"]}}
  fallback: {{type: smarthost, hosts: ["127.0.0.1:{DEAD}", "127.0.0.1:{SINK2}"]}}
  postfixsink: {{type: smarthost, hosts: ["127.0.0.1:{SMTP_SINK}"]}}
  caught: {{type: sandbox, path: "{root}/sandbox"}}
  nowhere: {{type: discard}}
  refused: {{type: reject, reply: "550 5.7.1 Not here, thank you"}}
"""
    rules = "[{recipients: [tcp.test], route: dovecot}, {recipients: [socket.test], route: socket}, " \
            "{recipients: [fallback.test], route: fallback}, {recipients: [sink.test], route: postfixsink}, " \
            "{recipients: [caught.test], route: caught}, {recipients: [nowhere.test], route: nowhere}, " \
            "{recipients: [refused.test], route: refused}, {senders: [bysender@client.test], route: fallback}]"
    relay.configure(routes, rules, f"delivery: {{mxPort: {POSTFIX}}}\nqueue: {{retrySchedule: [1s], retryJitter: 0%}}")
    relay.start()
    try:
        report.case("Dovecot by LMTP", dovecot, relay, root, report)
        report.case("Postfix by MX", postfix, relay, root, report)
        report.case("smarthost list: the first refuses the connection", fallback, relay, "you@fallback.test", "me@client.test")
        report.case("a route chosen by the sender", fallback, relay, "you@elsewhere.test", "bysender@client.test")
        report.case("smtp-sink", smtp_sink, relay)
        report.case("sandbox", sandbox, relay, root)
        report.case("discard", discard, relay)
        report.case("reject route", bounces, relay, "you@refused.test", "reject", "5.7.1", "Not here, thank you")
        report.case("null MX: 5.1.10", bounces, relay, "you@null.test", "nullmx", "5.1.10", "")
        report.case("unknown domain: 5.1.2", bounces, relay, "you@unknown.test", "nxdomain", "5.1.2", "")
        report.case("domain without a host bounces", bounces, relay, "you@nohost.test", "nohost", "5.", "")
        report.case("MX to this host itself: 5.4.6", bounces, relay, "you@loop.test", "mxloop", "5.4.6", "")
        report.case("SERVFAIL waits", servfail, relay)
    finally:
        relay.end()


def dovecot(relay, root, report):
    peer = Dovecot(root)
    try:
        report.case("Dovecot by LMTP over TCP", lmtp, relay, peer, "you@tcp.test", "lmtp-tcp")
        report.case("Dovecot by LMTP over a Unix socket", lmtp, relay, peer, "you@socket.test", "lmtp-unix")
        report.case("Dovecot, bodies byte for byte", lmtp_bodies, relay, peer)
        report.case("Dovecot, two recipients and a tag", lmtp_two, relay, peer)
        report.case("Dovecot, 25 MB", lmtp_large, relay, peer)
        report.case("Dovecot, an address it does not take bounces", lmtp_refused, relay, peer)
        report.case("Dovecot, success report says delivered", lmtp_success, relay, peer)
    finally:
        peer.stop()


def found(peer, user, mark):
    mark = b"X-Mark: " + mark.replace(" ", "-").replace(",", "").encode()
    return until(lambda: [message for message in peer.messages(user) if mark in message], 30, f"arrival of {mark!r} at Dovecot")


def lmtp(relay, peer, recipient, mark):
    send(SMTP, "me@client.test", recipient, mail(mark, b".dot\r\nGr\xc3\xbc\xc3\x9fe\r\n"), mail="BODY=8BITMIME")
    message, = found(peer, "you", mark)
    holds(b"with ESMTP id" in message, message[:500])
    same_body(message, mail(mark, b".dot\r\nGr\xc3\xbc\xc3\x9fe\r\n"))


def same_body(message, sent):
    """Checks all from the sender's first field on; line ends in a Maildir may be either."""
    message, sent = message.replace(b"\r\n", b"\n"), sent.replace(b"\r\n", b"\n")
    at = message.find(b"\nFrom: <me@client.test>")
    holds(at >= 0, f"the header is gone: {message[:300]!r}")
    holds(message[at + 1:] == sent, f"differs: {message[at + 1:][:400]!r} … {message[-60:]!r}")


def lmtp_bodies(relay, peer):
    for name, body in bodies().items():
        # Dovecot stores a line end where there was CRLF, and takes LMTP by DATA or BDAT.
        send(SMTP, "me@client.test", "bodies@tcp.test", mail("d " + name, body))
        message = found(peer, "bodies", "d " + name)[0]
        same_body(message, mail("d " + name, body))


def lmtp_two(relay, peer):
    send(SMTP, "me@client.test", ["one@tcp.test", "two+tag@tcp.test"], mail("lmtp-two", b"x\r\n"))
    found(peer, "one", "lmtp-two")
    until(lambda: any(b"lmtp-two" in message for user in ("two", "two+tag") for message in peer.messages(user)), 20, "the second copy")


def lmtp_large(relay, peer):
    body = (b"z" * 76 + b"\r\n") * 330_000
    send(SMTP, "me@client.test", "large@socket.test", mail("lmtp-large", body))
    message, = found(peer, "large", "lmtp-large")
    same_body(message, mail("lmtp-large", body))


def lmtp_refused(relay, peer):
    # Dovecot refuses a name with a slash, since it would be part of a path.
    send(SMTP, "lrefused@local.test", "no/such/name@tcp.test", mail("lmtp-refused", b"x\r\n"))
    bounce, = relay.arrived("lrefused", "Action: failed", seconds=15)
    holds(b"Remote-MTA: dns;" in bounce, bounce[-1500:])


def lmtp_success(relay, peer):
    send(SMTP, "lsuccess@local.test", "you@tcp.test", mail("lmtp-success", b"x\r\n"), rcpt="NOTIFY=SUCCESS")
    relay.arrived("lsuccess", "Action: delivered")


def postfix(relay, root, report):
    peer = Postfix(root, "", local="byname.test, implicit.test, xn--bcher-kva.test, bücher.test")
    try:
        report.case("Postfix by MX, after a dead and a missing host", by_mx, relay, peer, "you@byname.test", "by-mx")
        report.case("Postfix by implicit MX", by_mx, relay, peer, "you@implicit.test", "by-implicit")
        report.case("Postfix, 25 MB", by_mx, relay, peer, "you@byname.test", "mx-large", (b"w" * 70 + b"\r\n") * 350_000)
        for name, body in bodies().items():
            report.case(f"Postfix, {name}", by_mx, relay, peer, "you@byname.test", "p " + name, body)
        report.case("Postfix, SMTPUTF8", mx_utf8, relay, peer)
        report.case("Postfix reports success itself (DSN passed on)", mx_dsn, relay, peer)
        report.case("Postfix refuses a recipient: bounce with its reply", mx_refused, relay, peer)
        report.case("100 messages to Postfix over few connections", mx_many, relay, peer)
    finally:
        peer.stop()


def at_postfix(peer, mark, count=1):
    mark = mark if isinstance(mark, bytes) else b"X-Mark: " + mark.replace(" ", "-").replace(",", "").encode() + b"\n"

    def look():
        got = [message for message in peer.messages() if mark in message]
        return len(got) >= count and got
    return until(look, 40, f"arrival of {mark!r} at Postfix")


def by_mx(relay, peer, recipient, mark, body=b".x\r\nGr\xc3\xbc\xc3\x9fe\r\n"):
    send(SMTP, "me@client.test", recipient, mail(mark, body), mail="BODY=8BITMIME")
    message, = at_postfix(peer, mark)
    # Postfix itself wraps lines over its line_length_limit in what it passes to its own delivery.
    if max(map(len, body.split(b"\r\n"))) <= 998:
        same_body(message, mail(mark, body))


def mx_utf8(relay, peer):
    sent = "From: <me@client.test>\r\nX-Mark: mx-utf8\r\nSubject: 世界\r\nMessage-ID: <a@b>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nGrüße\r\n".encode()
    send(SMTP, "jürgen@client.test", "empfänger@bücher.test", sent, mail="SMTPUTF8 BODY=8BITMIME")
    message, = at_postfix(peer, "mx-utf8")
    same_body(message, sent)


def mx_dsn(relay, peer):
    # Postfix is the next hop that knows DSN; its report comes back to the sender by way of Baton's MX, which
    # is itself here, so what is seen is that Baton sends no report of its own and passes the wish on.
    send(SMTP, "postfixdsn@local.test", "you@byname.test", mail("mx-dsn", b"x\r\n"), mail="RET=HDRS ENVID=passed+2Bon",
         rcpt="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig@byname.test")
    at_postfix(peer, "mx-dsn")
    equal([message for message in relay.mailbox("postfixdsn")], [], "reports of Baton's own")


def mx_refused(relay, peer):
    send(SMTP, "mxrefused@local.test", ["no@implicit.test", "yes@implicit.test"], mail("mx-refused", b"x\r\n"))
    at_postfix(peer, "mx-refused")
    bounce, = relay.arrived("mxrefused", "Action: failed")
    for words in (b"Final-Recipient: rfc822; no@implicit.test", b"Remote-MTA: dns; implicit.test", b"Diagnostic-Code: smtp; 550 5.1.1",
                  b"Status: 5.1.1"):
        holds(words.lower() in bounce.lower(), f"{words} is not in {bounce[-1500:]}")
    holds(b"yes@implicit.test" not in bounce.split(b"message/rfc822")[0].split(b"text/rfc822-headers")[0], "the accepted recipient is in the bounce")


def mx_many(relay, peer):
    for number in range(100):
        send(SMTP, "me@client.test", f"user{number}@byname.test", mail("mx-many", b"%d\r\n" % number))
    at_postfix(peer, "mx-many", count=100)


def fallback(relay, recipient, sender):
    sink = Sink(SINK2)
    try:
        mark = "fallback-" + sender.split("@")[0]
        send(SMTP, sender, recipient, mail(mark, b"x\r\n"))
        until(lambda: sink.find(mark.encode()), 10, "the arrival at the second host")
        untouched(sink.find(mark.encode())[0].content, mail(mark, b"x\r\n"))
    finally:
        sink.stop()


def smtp_sink(relay):
    need("smtp-sink")
    peer = subprocess.Popen(["smtp-sink", "-c", "-u", "nobody", f"127.0.0.1:{SMTP_SINK}", "100"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until(lambda: listens(SMTP_SINK), 10, "the start of smtp-sink")
        for number in range(20):
            send(SMTP, "me@client.test", f"u{number}@sink.test", mail("smtp-sink", b"%d\r\n" % number))
        until(lambda: len(re.findall(r"event=attempted[^\n]*u\d+@sink\.test[^\n]*outcome=relayed", relay.log())) >= 20, 20, "20 relayed")
    finally:
        peer.terminate()
        peer.wait(5)


def sandbox(relay, root):
    import glob
    send(SMTP, "me@client.test", "you@caught.test", mail("sandboxed", b"x\r\n"))

    def look():
        for path in glob.glob(f"{root}/sandbox/**", recursive=True):
            try:
                with open(path, "rb") as file:
                    if b"X-Mark: sandboxed" in file.read():
                        return True
            except OSError:
                pass
        return False
    until(look, 10, "the message in the sandbox")


def discard(relay):
    number = send(SMTP, "me@client.test", "you@nowhere.test", mail("discarded", b"x\r\n"))
    until(lambda: re.search(rf"event=attempted id={number}[^\n]*outcome=", relay.log()), 10, "the end of the message")


def bounces(relay, recipient, sender, status, words):
    send(SMTP, f"{sender}@local.test", recipient, mail(sender, b"x\r\n"))
    bounce, = relay.arrived(sender, f"Status: {status}")
    holds(words.encode() in bounce, bounce.decode(errors="replace"))


def servfail(relay):
    number = send(SMTP, "servfail@local.test", "you@servfail.test", mail("servfail", b"x\r\n"))
    until(lambda: "could not be looked up" in relay.command("queue", "show", number).stdout, 15, "the reason in the queue")
    equal(relay.mailbox("servfail"), [], "bounces")
