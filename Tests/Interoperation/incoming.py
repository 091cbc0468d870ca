"""Mail comes in from other programs and ends in a Maildir."""
import os
import smtplib
import socket
import subprocess
from email.message import EmailMessage

from peers import Postfix
from relay import LMTP, PORT, POSTFIX, SMTP, SUBMISSION, Relay
from report import equal, holds, need

TEXT = b"From: <me@client.test>\r\nTo: <box@local.test>\r\nSubject: %s\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n" \
       b"Message-ID: <%s@client.test>\r\n\r\nHello.\r\n.one dot\r\n..two\r\n.\r\nend\r\n"


def run(report, root):
    relay = Relay(root)
    relay.configure(listeners=f"""
  - {{address: "127.0.0.1:{SMTP}", xforward: 127.0.0.0/8}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission}}
  - {{address: "127.0.0.1:{LMTP}", dialect: lmtp}}""")
    try:
        report.case("baton check finds no mistake", check, relay)
        relay.start()
        report.case("swaks into a Maildir", swaks, relay)
        report.case("swaks --pipeline, two recipients", swaks_pipeline, relay)
        report.case("swaks by LMTP", swaks_lmtp, relay)
        report.case("LMTP answers for each recipient", lmtp_replies, relay)
        report.case("curl smtp://", curl, relay)
        report.case("msmtp by submission", msmtp, relay)
        report.case("smtp-source, 20 messages in 4 sessions", smtp_source, relay)
        report.case("Python smtplib, send_message", python, relay)
        report.case("Python smtplib, SMTPUTF8 address", python_utf8, relay)
        report.case("a real Postfix relays through Baton", postfix, relay, root)
        report.case("EHLO offers every extension; VRFY, HELP, EXPN", vrfy, relay)
        report.case("SIGTERM ends the daemon", relay.end)
    finally:
        relay.end()


def check(relay):
    done = subprocess.run([os.environ["BATON"], "check", relay.file], capture_output=True, text=True)
    equal(done.returncode, 0, done.stderr)


def run_program(*words, **keywords):
    done = subprocess.run(words, capture_output=True, timeout=60, **keywords)
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout).decode(errors='replace')[-500:]}")
    return done.stdout.decode(errors="replace")


def swaks(relay):
    need("swaks")
    run_program("swaks", "--server", f"127.0.0.1:{SMTP}", "--from", "me@client.test", "--to", "box@local.test",
                "--header", "Subject: by-swaks", "--body", "first\n.leading dot\n")
    message, = relay.arrived("box", "Subject: by-swaks")
    holds(message.startswith(b"Return-Path: <me@client.test>\n"), f"no Return-Path first: {message[:80]!r}")
    holds(b"Received: from " in message and b"by relay.test" in message and b"for <box@local.test>" in message, message[:400])
    holds(b"\n.leading dot\n" in message, "the leading dot is gone")


def swaks_pipeline(relay):
    need("swaks")
    run_program("swaks", "--server", f"127.0.0.1:{SMTP}", "--from", "me@client.test", "--to", "one@local.test,two+tag@local.test",
                "--pipeline", "--header", "Subject: piped")
    one, = relay.arrived("one", "Subject: piped")
    two, = relay.arrived("two", "Subject: piped")
    holds(b"for <" not in one.split(b"Subject:")[0], "the trace field of a message to two names one of them")
    holds(one != b"" and two != b"", "empty")


def swaks_lmtp(relay):
    need("swaks")
    output = run_program("swaks", "--protocol", "LMTP", "--server", f"127.0.0.1:{LMTP}", "--from", "me@client.test",
                         "--to", "lone@local.test", "--header", "Subject: by-lmtp")
    holds("LHLO" in output, output)
    message, = relay.arrived("lone", "Subject: by-lmtp")
    holds(b"with LMTP" in message, message[:400])


def lmtp_replies(relay):
    from dialogue import Dialogue
    session = Dialogue(LMTP, hello="LHLO client.test")
    session.transaction("me@client.test", ["a@local.test", "b@local.test"])
    code, _ = session.data(TEXT % (b"lmtp-two", b"lmtp-two"))
    equal(code, 250, "first reply")
    code, _ = session.reply()
    equal(code, 250, "second reply")
    code, _ = session.say("EHLO client.test")
    holds(code // 100 == 5, f"EHLO by LMTP was answered {code}")
    session.quit()
    relay.arrived("a", "lmtp-two")
    relay.arrived("b", "lmtp-two")


def curl(relay):
    need("curl")
    run_program("curl", "-sS", "--url", f"smtp://127.0.0.1:{SMTP}/client.test", "--mail-from", "me@client.test",
                "--mail-rcpt", "curl@local.test", "--upload-file", "-", input=TEXT % (b"by-curl", b"curl"))
    message, = relay.arrived("curl", "Subject: by-curl")
    holds(message.endswith((TEXT % (b"by-curl", b"curl")).replace(b"\r\n", b"\n")), message[-300:])


def msmtp(relay):
    need("msmtp")
    message = b"From: <me@client.test>\nTo: <msmtp@local.test>\nSubject: by-msmtp\n\nHello.\n"
    run_program("msmtp", "--host=127.0.0.1", f"--port={SUBMISSION}", "--from=me@client.test", "--tls=off", "--auth=off",
                "--file=/dev/null", "msmtp@local.test", input=message)
    got, = relay.arrived("msmtp", "Subject: by-msmtp")
    lower = got.lower()
    holds(b"\nmessage-id: <" in lower and b"\ndate: " in lower, f"submission did not complete the header: {got[:500]!r}")


def smtp_source(relay):
    need("smtp-source")
    run_program("smtp-source", "-m", "20", "-s", "4", "-l", "5000", "-f", "load@client.test", "-t", "source@local.test",
                "-S", "by-source", f"inet:127.0.0.1:{SMTP}")
    relay.arrived("source", "by-source", count=20)


def python(relay):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "me@client.test", "python@local.test", "by-python ü"
    message.set_content("Grüße\n")
    message.add_attachment(os.urandom(30000), maintype="application", subtype="octet-stream", filename="x.bin")
    with smtplib.SMTP("127.0.0.1", SMTP) as client:
        client.send_message(message)
    relay.arrived("python", "by-python")


def python_utf8(relay):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mé@client.test", "jürgen@local.test", "utf8-python"
    message.set_content("Grüße\n")
    with smtplib.SMTP("127.0.0.1", SMTP) as client:
        client.send_message(message)
    got, = relay.arrived("jürgen", "utf8-python")
    holds(b"with UTF8SMTP" in got, got[:400])
    holds("Return-Path: <mé@client.test>".encode() in got, got[:200])


def postfix(relay, root):
    peer = Postfix(root, f"[127.0.0.1]:{SMTP}", more="smtp_send_xforward_command = yes")
    try:
        with smtplib.SMTP("127.0.0.1", POSTFIX) as client:
            for number in range(5):
                client.sendmail("me@client.test", ["viapostfix@local.test", "other@local.test"],
                                TEXT % (b"by-postfix", b"postfix%d" % number))
        got = relay.arrived("viapostfix", "by-postfix", count=5)
        relay.arrived("other", "by-postfix", count=5)
        holds(all(message.endswith(b"Hello.\n.one dot\n..two\n.\nend\n") for message in got), got[0][-200:])
        holds(got[0].count(b"\nReceived:") == 2, got[0][:600])
        # What Postfix knows of its client comes by XFORWARD.
        accepted = [line for line in relay.log().splitlines() if "event=accepted" in line and "viapostfix" in line]
        holds(all("orig_client_address=127.0.0.1" in line and "orig_with=ESMTP" in line and "orig_id=" in line for line in accepted),
              accepted[0] if accepted else "no accepted line")
    finally:
        peer.stop()


def vrfy(relay):
    from dialogue import Dialogue
    session = Dialogue(SMTP)
    for word in ("PIPELINING", "8BITMIME", "BINARYMIME", "CHUNKING", "SIZE", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "LIMITS"):
        holds(word in session.extensions, f"{word} is not offered")
    session.expect("VRFY box@local.test", 252)
    session.expect("HELP", 214)
    session.expect("NOOP", 250)
    session.expect("EXPN list", 502)
    session.quit()
