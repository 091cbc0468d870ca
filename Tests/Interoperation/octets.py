"""What was received goes out as it was received, below one new trace field."""
import random
import re

from dialogue import Dialogue, send
from relay import SINK, SMTP, Relay
from report import equal, holds, until
from sink import Sink

HEAD = b"From: <me@client.test>\r\nTo: <you@far.test>\r\nSubject: octets\r\nX-Mark: %s\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n" \
       b"Message-ID: <%s@client.test>\r\n\r\n"
TRACE = re.compile(rb"Received: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")


def run(report, root):
    relay = Relay(root)
    relay.configure(rules="[{route: sink}]")
    sink = Sink(SINK)
    relay.start()
    try:
        for name, body in bodies().items():
            report.case(f"{name}, by DATA", through, relay, sink, name + " data", body, None, "")
            report.case(f"{name}, by BDAT", through, relay, sink, name + " bdat", body, 65536, "")
        report.case("no final line end, BDAT with BINARYMIME", through, relay, sink, "unfinished", b"no line end", 4, "BODY=BINARYMIME")
        report.case("bare CR, bare LF and NUL, BINARYMIME", through, relay, sink, "binary",
                    bytes(range(256)) * 40 + b"\r\n.\r\nend\r", 1000, "BODY=BINARYMIME")
        report.case("3 MB of random octets, BINARYMIME", through, relay, sink, "random",
                    random.Random(1).randbytes(3_000_000), 1_000_000, "BODY=BINARYMIME")
        report.case("no final line end, BDAT without BINARYMIME", unfinished, relay, sink)
        report.case("25 MB by DATA", through, relay, sink, "large data", large(), None, "BODY=8BITMIME")
        report.case("25 MB by BDAT, one chunk", through, relay, sink, "large bdat", large(), 1 << 30, "BODY=8BITMIME")
        report.case("25 MB by BDAT, chunks of 100 kB", through, relay, sink, "large chunks", large(), 100_000, "")
        report.case("folded, odd and empty header fields stay", odd_header, relay, sink)
        report.case("no header at all", bare_body, relay, sink)
        report.case("SMTPUTF8 addresses and header fields", utf8, relay, sink)
        report.case("the queue id of the 250 is in the trace field", trace_id, relay, sink)
        report.case("bare LF in DATA: 5.5.2", bare_line_feed, relay)
        report.case("smuggling: LF . LF, CR LF . LF and others end nothing", smuggling, relay, sink)
        report.case("the sink saw nothing out of form", lambda: equal(sink.failures, []))
        report.case("no SMTPUTF8 there: 5.6.7", lesser, relay, sink, ("8BITMIME",), "no-utf8", "5.6.7", utf8_message)
        report.case("no SMTPUTF8 there, all ASCII: sent", lesser, relay, sink, ("8BITMIME",), "ascii-utf8", None, utf8_unused)
        report.case("no BINARYMIME there: 5.6.1", lesser, relay, sink, ("CHUNKING", "8BITMIME"), "no-binary", "5.6.1", binary_message)
        report.case("no 8BITMIME there: sent as it is", lesser, relay, sink, (), "no-8bit", None, eight_bit_message)
        report.case("larger than its SIZE: 5.3.4 before DATA", lesser, relay, sink, ("SIZE 20000",), "too-large", "5.3.4", large_message)
        report.case("HELO alone is spoken there", helo_only, relay, sink)
        relay.configure(rules="[{route: sink}]", more="delivery: {eightBit: bounce}")
        report.case("no 8BITMIME there, eightBit: bounce: 5.6.3", bounced_eight_bit, relay, sink)
    finally:
        relay.end()
        sink.stop()


def bodies():
    return {
        "leading dots": b".\r\n..\r\n...\r\n.a\r\n \r\n.\r\n..b\r\nend\r\n",
        "8-bit text": "Grüße, 世界\r\n".encode() * 100 + bytes(range(128, 256)) + b"\r\n",
        "lines of 998, 999, 5,000 and 200,000": b"\r\n".join(b"x" * n for n in (998, 999, 5000, 200_000)) + b"\r\n",
        "empty body": b"",
        "trailing blanks and tabs": b"a \t \r\n\t\r\n \r\n\r\n\r\n",
        "exactly 256 KiB": b"0123456789abcde\n".replace(b"\n", b"\r\n") * (262144 // 17),
        "one line of 900 kB": b"y" * 900_000 + b"\r\n",
    }


def large():
    line = bytes(random.Random(2).choices(range(32, 127), k=76)) + b"\r\n"
    block = (line + b".dot" + line + "ü".encode() * 30 + b"\r\n") * 1000
    return block * (25_000_000 // len(block) + 1)


def mail(mark, body):
    mark = mark.replace(" ", "-").replace(",", "").encode()
    return HEAD % (mark, mark) + body


def untouched(got, sent):
    """Checks that `got` is `sent` below one trace field."""
    trace = TRACE.match(got)
    holds(trace, f"no trace field first: {got[:200]!r}")
    rest = got[trace.end():]
    if rest != sent:
        at = next((i for i, (a, b) in enumerate(zip(rest, sent)) if a != b), min(len(rest), len(sent)))
        raise AssertionError(f"differs at octet {at} ({len(rest)} of {len(sent)}): got {rest[at - 20:at + 40]!r}, expected {sent[at - 20:at + 40]!r}")


def arrived(sink, mark, count=1):
    mark = b"X-Mark: " + mark.replace(" ", "-").replace(",", "").encode() + b"\r\n"
    return until(lambda: len(sink.find(mark)) >= count and sink.find(mark), 30, f"the arrival of {mark!r}")


def through(relay, sink, mark, body, chunk, parameters):
    sent = mail(mark, body)
    send(SMTP, "me@client.test", "you@far.test", sent, mail=parameters, bdat=chunk)
    got, = arrived(sink, mark)
    untouched(got.content, sent)
    body_word = next((word for word in got.parameters if word.startswith("BODY=")), "")
    if "BINARYMIME" in parameters:
        equal(body_word, "BODY=BINARYMIME", "BODY passed on")
        equal(got.by, "BDAT", "how it came")


def unfinished(relay, sink):
    sent = mail("half", b"no line end")
    session = Dialogue(SMTP)
    session.transaction("me@client.test", "you@far.test")
    code, lines = session.bdat(sent)
    session.quit()
    if code != 250:
        return equal(code // 100, 5, "refused")
    got, = arrived(sink, "half")
    if got.by == "BDAT":
        untouched(got.content, sent)
    else:
        # DATA cannot say it without a line end (RFC 5321 §4.1.1.4).
        untouched(got.content, sent + b"\r\n")


def odd_header(relay, sink):
    sent = b"X-Mark: odd\r\nSubject:  two  blanks \r\n\tfolded\r\n  again\r\nX-Empty:\r\nx-LoNg: " + b"z" * 3000 \
        + b"\r\nReceived: from a by b; Thu, 01 Jan 2026 00:00:00 +0000\r\nDate: yesterday\r\nX-8: \xff\xfe\r\n\r\nbody\r\n"
    send(SMTP, "me@client.test", "you@far.test", sent)
    got, = arrived(sink, "odd")
    untouched(got.content, sent)


def bare_body(relay, sink):
    sent = b"\r\nX-Mark: bare\r\nno header\r\n"
    send(SMTP, "me@client.test", "you@far.test", sent)
    got, = arrived(sink, "bare")
    untouched(got.content, sent)


def utf8(relay, sink):
    sent = "X-Mark: utf8\r\nFrom: Jürgen <jürgen@bücher.test>\r\nSubject: 世界\r\n\r\nGrüße\r\n".encode()
    send(SMTP, "jürgen@bücher.test", ["用户@例え.test", "plain@far.test"], sent, mail="SMTPUTF8 BODY=8BITMIME")
    got = arrived(sink, "utf8")
    recipients = sorted(path for message in got for path, _ in message.recipients)
    holds(len(recipients) == 2, recipients)
    holds(any(path.startswith("用户@") for path in recipients), recipients)
    for message in got:
        holds("SMTPUTF8" in message.parameters, message.parameters)
        holds(message.sender.startswith("jürgen@"), message.sender)
        untouched(message.content, sent)


def trace_id(relay, sink):
    number = send(SMTP, "me@client.test", "you@far.test", mail("with-id", b"x\r\n"))
    got, = arrived(sink, "with-id")
    holds(b" id " + number.encode() in got.content, f"{number} is not in {got.content[:300]!r}")


def bare_line_feed(relay):
    for text in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\nb\r\n"):
        session = Dialogue(SMTP)
        session.transaction("me@client.test", "you@far.test")
        code, lines = session.data(mail("bare", text))
        holds(code // 100 == 5 and "5.5.2" in lines[0] or "5.6.0" in lines[0], f"{text!r} was answered {code} {lines}")
        session.close()


def smuggling(relay, sink):
    evil = b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<you@far.test>\r\nDATA\r\nX-Mark: smuggled\r\n\r\nevil\r\n.\r\n"
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n", b"\r.\r\n"):
        session = Dialogue(SMTP)
        session.transaction("me@client.test", "you@far.test")
        session.expect("DATA", 354)
        session.send(mail("front", b"x") + end + evil)
        code, lines = session.reply()
        holds(code // 100 == 5 or end == b"\r\n\0.\r\n", f"{end!r} was answered {code} {lines}")
        session.close()
    equal([message.sender for message in sink.messages if message.sender == "evil@client.test"], [], "smuggled")


def utf8_message(mark):
    return ("jürgen@local.test", "you@far.test", f"X-Mark: {mark}\r\nSubject: 世界\r\n\r\nx\r\n".encode(), "SMTPUTF8 BODY=8BITMIME", None)


def utf8_unused(mark):
    return ("utf8sender@local.test", "you@far.test", f"X-Mark: {mark}\r\n\r\nx\r\n".encode(), "SMTPUTF8", None)


def binary_message(mark):
    return ("binsender@local.test", "you@far.test", f"X-Mark: {mark}\r\n\r\na\rb\0".encode(), "BODY=BINARYMIME", 100)


def eight_bit_message(mark):
    return ("eightsender@local.test", "you@far.test", f"X-Mark: {mark}\r\n\r\nGrüße\r\n".encode(), "BODY=8BITMIME", None)


def large_message(mark):
    return ("largesender@local.test", "you@far.test", f"X-Mark: {mark}\r\n\r\n".encode() + b"x" * 70 * 1000 + b"\r\n", "", None)


def lesser(relay, sink, extensions, mark, status, make):
    """A next hop that offers `extensions` alone: the message bounces with `status`, or goes out as it is."""
    other_session(relay, sink)
    sink.extensions = list(extensions)
    sender, recipient, content, parameters, chunk = make(mark)
    before = len(sink.dialogue)
    try:
        send(SMTP, sender, recipient, content, mail=parameters, bdat=chunk)
        if status is None:
            got, = arrived(sink, mark)
            untouched(got.content, content)
            holds(not any(word.startswith(("BODY", "SMTPUTF8", "SIZE")) for word in got.parameters if "8BITMIME" not in extensions),
                  f"parameters that were not offered: {got.parameters}")
        else:
            bounce, = relay.arrived(sender.split("@")[0], f"Status: {status}")
            spoken = sink.dialogue[before:]
            holds(not any(line.startswith(("DATA", "BDAT")) for line in spoken), f"the message was begun: {spoken}")
    finally:
        other_session(relay, sink)
        sink.extensions = list(Sink.EVERYTHING)


def other_session(relay, sink):
    """Ends kept connections, so that the next one sees what is offered now."""
    sink.stop()
    sink.start()


def helo_only(relay, sink):
    other_session(relay, sink)
    sink.answers["EHLO"] = "502 5.5.1 what?"
    sink.answers["HELO"] = "250 sink.test"
    try:
        sent = mail("helo", b".x\r\n")
        send(SMTP, "me@client.test", "you@far.test", sent)
        got, = arrived(sink, "helo")
        untouched(got.content, sent)
        equal(got.parameters, [], "parameters")
    finally:
        sink.answers.clear()
        other_session(relay, sink)


def bounced_eight_bit(relay, sink):
    relay.reload()
    other_session(relay, sink)
    lesser(relay, sink, (), "bounce-8bit", "5.6.3", lambda mark: ("eightbounce@local.test",) + eight_bit_message(mark)[1:])
