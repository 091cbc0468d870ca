"""Reports to the sender (RFC 3461, 3464): what was asked for, and nothing else."""
import email
import re
import time

from dialogue import Dialogue, send
from octets import arrived, mail, other_session
from relay import DEAD, SINK, SMTP, Relay
from report import equal, holds, until
from sink import Sink


def run(report, root):
    relay = Relay(root)
    domains = """
  local.test:
    route: boxes
    mailboxes: "*"
    aliases:
      team: [one@local.test, two@local.test]
      away: [you@far.test]
      lost: [gone@refuse.test]
"""
    routes = f'  dead: {{type: smarthost, hosts: ["127.0.0.1:{DEAD}"]}}\n  refuse: {{type: reject, reply: "550 5.1.1 No such person"}}'
    relay.configure(routes, "[{recipients: [dead.test], route: dead}, {recipients: [refuse.test], route: refuse}, {route: sink}]",
                    "queue: {retrySchedule: [1s], retryJitter: 0%, delayNotices: [1m], lifetime: 75s, bounceLifetime: 1m}",
                    domains=domains)
    sink = Sink(SINK)
    relay.start()
    try:
        # These take their time: what came of them is looked at in the end.
        for user, wish in (("slow", ""), ("nodelay", "NOTIFY=FAILURE"), ("delayonly", "NOTIFY=DELAY")):
            send(SMTP, f"{user}@local.test", "you@dead.test", mail(user, b"x\r\n"), rcpt=wish)
        report.case("failed: refused at RCPT by the next hop", failed, relay, sink)
        report.case("NOTIFY=NEVER: nothing", quiet, relay, sink, "NEVER", "550 5.1.1 no")
        report.case("NOTIFY=DELAY alone: no failure report", quiet, relay, sink, "DELAY", "550 5.1.1 no")
        report.case("NOTIFY=SUCCESS alone: no failure report", quiet, relay, sink, "SUCCESS", "550 5.1.1 no")
        report.case("success into a Maildir: delivered", delivered, relay)
        report.case("success at a hop with DSN: passed on, no report here", passed_on, relay, sink)
        report.case("success at a hop without DSN: relayed", relayed, relay, sink)
        report.case("success through an alias of two: expanded", expanded, relay)
        report.case("an alias of one elsewhere: wishes and ORCPT go on", alias_of_one, relay, sink)
        report.case("ORCPT is made where there is none", made_orcpt, relay, sink)
        report.case("RET=HDRS returns the header alone, RET=FULL all", returned, relay, sink)
        report.case("ENVID and ORCPT come back in the report, decoded", echoed, relay, sink)
        report.case("a UTF-8 recipient that fails: utf-8 report", utf8_failed, relay, sink)
        report.case("mixed outcomes of one transaction: one report of the failed", mixed, relay, sink)
        report.case("mail from <> that fails gives no bounce to anybody but the postmaster", null_sender, relay, sink)
        report.case("a bounce that bounces goes to the postmaster once", double, relay, sink)
        report.case("bad DSN parameters are refused: 501", bad_parameters, relay)
        report.case("delayed, then failed: expired", delayed, relay)
        report.case("NOTIFY=FAILURE: no delay notice", no_delay_notice, relay)
        report.case("NOTIFY=DELAY: a delay notice alone", delay_only, relay)
        report.case("the sink saw nothing out of form", lambda: equal(sink.failures, []))
    finally:
        relay.end()
        sink.stop()


def parsed(message, sender, kind="rfc822"):
    """The report's parts, checked in form: human text, per-message and per-recipient fields, returned content."""
    lines = message.split(b"\n", 1)
    equal(lines[0], b"Return-Path: <>", "first line")
    report = email.message_from_bytes(lines[1])
    equal(report.get_content_type(), "multipart/report")
    holds(report.get_param("report-type") in ("delivery-status", "global-delivery-status"), report["Content-Type"])
    for field in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"):
        holds(report[field], f"no {field}")
    holds(str(report["Auto-Submitted"]).startswith("auto-replied"), report["Auto-Submitted"])
    holds(sender in str(report["To"]), report["To"])
    equal(report.defects, [])
    parts = report.get_payload()
    equal(len(parts), 3, "parts")
    equal(parts[0].get_content_maintype(), "text")
    holds(parts[1].get_content_type() in ("message/delivery-status", "message/global-delivery-status"), parts[1].get_content_type())
    blocks = parts[1].get_payload()
    if parts[1].get_content_type() == "message/global-delivery-status":
        # Python's email does not know this type of RFC 6533, and reads its first block as a message.
        text = parts[1].as_bytes().split(b"\n\n", 1)[1].decode()
        blocks = [email.message_from_string(block) for block in re.split(r"\n\n+", text.strip())]
    holds(blocks[0]["Reporting-MTA"] == "dns; relay.test", blocks[0].as_string())
    holds(blocks[0]["Arrival-Date"], "no Arrival-Date")
    blocks = [block for block in blocks if len(block)]
    for block in blocks[1:]:
        for field in ("Final-Recipient", "Action", "Status"):
            holds(block[field], f"no {field} in {block.as_string()}")
        holds(re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", block["Status"]), block["Status"])
    return parts[0].get_payload(decode=True).decode("utf-8"), blocks[0], blocks[1:], parts[2]


def report_to(relay, user, action, seconds=20):
    message, = relay.arrived(user, f"Action: {action}", seconds=seconds)
    return parsed(message, f"{user}@local.test")


def failed(relay, sink):
    sink.answers["RCPT"] = "550 5.1.1 <you@far.test> no such person here"
    try:
        send(SMTP, "fail@local.test", "you@far.test", mail("fail", b"secret body\r\n"))
        text, head, (block,), original = report_to(relay, "fail", "failed")
    finally:
        sink.answers.clear()
    equal(block["Final-Recipient"], "rfc822; you@far.test")
    equal(block["Status"], "5.1.1")
    holds("550 5.1.1" in block["Diagnostic-Code"] and block["Diagnostic-Code"].startswith("smtp;"), block["Diagnostic-Code"])
    holds(block["Remote-MTA"], "no Remote-MTA")
    holds("you@far.test" in text and "no such person here" in text, text)
    holds("secret body" in original.as_string(), "the message is not returned")


def quiet(relay, sink, notify, reply):
    sink.answers["RCPT"] = reply
    user = f"quiet-{notify.lower()}"
    try:
        number = send(SMTP, f"{user}@local.test", "you@far.test", mail("quiet", b"x\r\n"), rcpt=f"NOTIFY={notify}")
        until(lambda: re.search(rf"event=attempted id={number}[^\n]*outcome=bounced", relay.log()), 10, "the failure")
        time.sleep(0.5)
    finally:
        sink.answers.clear()
    equal(relay.mailbox(user), [], "reports")


def delivered(relay):
    send(SMTP, "success@local.test", "box@local.test", mail("success", b"x\r\n"), rcpt="NOTIFY=SUCCESS,FAILURE", mail="RET=HDRS")
    text, head, (block,), original = report_to(relay, "success", "delivered")
    equal(block["Status"][:2], "2.")
    equal(block["Final-Recipient"], "rfc822; box@local.test")
    equal(original.get_content_type(), "text/rfc822-headers")


def passed_on(relay, sink):
    send(SMTP, "passed@local.test", "you@far.test", mail("passed", b"x\r\n"), mail="RET=FULL ENVID=abc+2B1",
         rcpt="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig+2Bx@far.test")
    got, = arrived(sink, "passed")
    holds("RET=FULL" in got.parameters and "ENVID=abc+2B1" in got.parameters, got.parameters)
    path, parameters = got.recipients[0]
    notify = next(word for word in parameters if word.startswith("NOTIFY="))
    equal(set(notify[7:].split(",")), {"SUCCESS", "DELAY"})
    holds("ORCPT=rfc822;orig+2Bx@far.test" in parameters, parameters)
    time.sleep(0.5)
    equal(relay.mailbox("passed"), [], "reports")


def relayed(relay, sink):
    other_session(relay, sink)
    sink.extensions = [word for word in Sink.EVERYTHING if word != "DSN"]
    try:
        send(SMTP, "relayed@local.test", "you@far.test", mail("relayed", b"x\r\n"), mail="RET=HDRS ENVID=e1", rcpt="NOTIFY=SUCCESS")
        got, = arrived(sink, "relayed")
        holds(not [word for word in got.parameters if word.startswith(("RET", "ENVID"))], got.parameters)
        equal(got.recipients[0][1], [], "RCPT parameters")
        text, head, (block,), original = report_to(relay, "relayed", "relayed")
        equal(block["Status"][:2], "2.")
        equal(head["Original-Envelope-Id"], "e1")
        send(SMTP, "notasked@local.test", "you@far.test", mail("not-asked", b"x\r\n"))
        arrived(sink, "not-asked")
        time.sleep(0.3)
        equal(relay.mailbox("notasked"), [], "reports that nobody asked for")
    finally:
        other_session(relay, sink)
        sink.extensions = list(Sink.EVERYTHING)


def expanded(relay):
    send(SMTP, "expand@local.test", "team@local.test", mail("expand", b"x\r\n"), rcpt="NOTIFY=SUCCESS,FAILURE")
    text, head, (block,), original = report_to(relay, "expand", "expanded")
    equal(block["Final-Recipient"], "rfc822; team@local.test")
    relay.arrived("one", "X-Mark: expand")
    relay.arrived("two", "X-Mark: expand")
    time.sleep(0.5)
    equal(len(relay.mailbox("expand")), 1, "reports")


def alias_of_one(relay, sink):
    send(SMTP, "forward@local.test", "away@local.test", mail("forward", b"x\r\n"), rcpt="NOTIFY=SUCCESS", mail="ENVID=f1")
    got, = arrived(sink, "forward")
    path, parameters = got.recipients[0]
    equal(path, "you@far.test")
    holds("NOTIFY=SUCCESS" in parameters, parameters)
    holds(any(word.lower().startswith("orcpt=rfc822;away@local.test") for word in parameters), parameters)


def made_orcpt(relay, sink):
    send(SMTP, "made@local.test", "you@far.test", mail("made", b"x\r\n"), rcpt="NOTIFY=FAILURE")
    got, = arrived(sink, "made")
    holds("NOTIFY=FAILURE" in got.recipients[0][1], got.recipients)


def returned(relay, sink):
    sink.answers["RCPT"] = "550 5.1.1 no"
    try:
        for ret, there in (("HDRS", False), ("FULL", True)):
            user = f"ret-{ret.lower()}"
            send(SMTP, f"{user}@local.test", "you@far.test", mail(user, b"secret body\r\n"), mail=f"RET={ret}")
            text, head, blocks, original = report_to(relay, user, "failed")
            equal("secret body" in original.as_string(), there, ret)
            holds(f"X-Mark: {user}" in original.as_string(), "the header is not returned")
    finally:
        sink.answers.clear()


def echoed(relay, sink):
    sink.answers["RCPT"] = "550 5.1.1 no"
    try:
        send(SMTP, "echo@local.test", "you@far.test", mail("echo", b"x\r\n"), mail="ENVID=QQ+2B314",
             rcpt="ORCPT=rfc822;first+2Btag@origin.test NOTIFY=FAILURE")
        text, head, (block,), original = report_to(relay, "echo", "failed")
    finally:
        sink.answers.clear()
    equal(head["Original-Envelope-Id"], "QQ+314")
    equal(block["Original-Recipient"], "rfc822; first+tag@origin.test")


def utf8_failed(relay, sink):
    sink.answers["RCPT"] = "550 5.1.1 no"
    try:
        send(SMTP, "utf8fail@local.test", "jürgen@far.test", mail("utf8-fail", "ü\r\n".encode()), mail="SMTPUTF8 BODY=8BITMIME")
        message, = relay.arrived("utf8fail", "Action: failed")
    finally:
        sink.answers.clear()
    text, head, (block,), original = parsed(message, "utf8fail@local.test")
    holds(block["Final-Recipient"].lower().startswith(("utf-8;", "rfc822;")), block["Final-Recipient"])
    holds("jürgen" in text, text)


def mixed(relay, sink):
    sink.answers["RCPT"] = lambda line: "550 5.1.1 no" if b"bad" in line else None
    try:
        send(SMTP, "mixed@local.test", ["good@far.test", "bad1@far.test", "bad2@far.test"], mail("mixed", b"x\r\n"))
        text, head, blocks, original = report_to(relay, "mixed", "failed")
    finally:
        sink.answers.clear()
    equal(sorted(block["Final-Recipient"] for block in blocks), ["rfc822; bad1@far.test", "rfc822; bad2@far.test"])
    got = arrived(sink, "mixed")
    equal([path for message in got for path, _ in message.recipients], ["good@far.test"])


def delayed(relay):
    text, head, (block,), original = report_to(relay, "slow", "delayed", 90)
    equal(block["Status"][:2], "4.")
    holds(block["Will-Retry-Until"], "no Will-Retry-Until")
    equal(original.get_content_type(), "text/rfc822-headers")
    text, head, (block,), original = report_to(relay, "slow", "failed", 60)
    # Of the last try, which had failed for now (RFC 3464 §2.3.4).
    holds(block["Status"][0] in "45", block["Status"])
    holds("refused" in text, text)
    equal(len(relay.mailbox("slow")), 2, "reports")


def no_delay_notice(relay):
    report_to(relay, "nodelay", "failed", 20)
    equal(len(relay.mailbox("nodelay")), 1, "reports")


def delay_only(relay):
    report_to(relay, "delayonly", "delayed", 10)
    equal(len(relay.mailbox("delayonly")), 1, "reports")


def null_sender(relay, sink):
    before = len(relay.mailbox("postmaster"))
    number = send(SMTP, "", "you@refuse.test", mail("null", b"x\r\n"))
    until(lambda: number in relay.log() and re.search(rf"id={number}[^\n]*(failed|bounced|dropped|expired)", relay.log()), 10, "the failure")
    time.sleep(1)
    equal([message for message in sink.messages if b"X-Mark: null" in message.content and message.sender == ""
           and not any("postmaster" in path for path, _ in message.recipients)], [], "bounces of a bounce")


def double(relay, sink):
    # The report goes to a sender that does not exist either; then to postmaster@relay.test, which goes to the sink.
    send(SMTP, "nobody@refuse.test", "you@refuse.test", mail("double", b"x\r\n"))
    got = until(lambda: [message for message in sink.find(b"X-Mark: double") if any(path.startswith("postmaster@")
                         for path, _ in message.recipients)], 15, "the double bounce")
    equal(len(got), 1)
    equal(got[0].sender, "")
    sink.answers["RCPT"] = "550 5.1.1 no postmaster"
    try:
        send(SMTP, "nobody@refuse.test", "you@refuse.test", mail("triple", b"x\r\n"))
        time.sleep(2)
    finally:
        sink.answers.clear()
    time.sleep(1)
    equal(sink.find(b"X-Mark: triple"), [], "third bounces")


def bad_parameters(relay):
    session = Dialogue(SMTP)
    for word in ("RET=SOME", "ENVID=a+2", "RET=FULL RET=HDRS", "ENVID=" + "x" * 200):
        code, lines = session.say(f"MAIL FROM:<me@client.test> {word}")
        equal(code, 501, word)
    session.expect("MAIL FROM:<me@client.test>", 250)
    for word in ("NOTIFY=NEVER,SUCCESS", "NOTIFY=", "NOTIFY=ALWAYS", "ORCPT=rfc822", "ORCPT=rfc822;a+zz"):
        code, lines = session.say(f"RCPT TO:<box@local.test> {word}")
        equal(code, 501, word)
    session.quit()
