"""What destinations publish about TLS: DANE in a signed zone, MTA-STS policies; Postfix is the server."""
import http.server
import smtplib
import ssl
import threading

from authority import Authority
from dialogue import send
from octets import mail
from outgoing import at_postfix
from peers import Postfix
from relay import PORT, POSTFIX, SINK, SMTP, Relay
from report import holds, until
from signedzone import NAMESERVER, NameServer
from sink import Sink

POLICY_HOST = PORT + 21
DOMAINS = ("right.signed", "anchor.signed", "alias.signed", "useless.signed", "wrong.signed", "wrongname.signed", "lame.signed", "plain.signed",
           "mixed.signed", "none.unsigned", "good.unsigned", "badname.unsigned", "testing.unsigned", "otherhost.unsigned",
           "redirected.unsigned", "override.unsigned", "precedence.signed")


def policy(mode, mx):
    return f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n"


class PolicyHost(http.server.BaseHTTPRequestHandler):
    """`.well-known/mta-sts.txt` of each domain."""

    answers = {
        "good.unsigned": (200, policy("enforce", "mx.good.unsigned")),
        "badname.unsigned": (200, policy("enforce", "mx.badname.unsigned")),
        "testing.unsigned": (200, policy("testing", "mx.testing.unsigned")),
        "otherhost.unsigned": (200, policy("enforce", "*.elsewhere.unsigned")),
        "redirected.unsigned": (302, ""),
        "override.unsigned": (200, policy("enforce", "*.elsewhere.unsigned")),
        "precedence.signed": (200, policy("enforce", "*.elsewhere.unsigned")),
    }
    asked = []

    def do_GET(self):
        domain = self.headers["Host"].removeprefix("mta-sts.").split(":")[0]
        self.asked.append(domain + self.path)
        status, text = self.answers.get(domain, (404, ""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"https://mta-sts.good.unsigned:{POLICY_HOST}/.well-known/mta-sts.txt")
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def zones(authority, certificate):
    own, anchor = authority.spki_digest(certificate), authority.digest(authority.certificate)
    other = "00" * 32

    def host(name, *tlsa):
        return [f"{name} MX 10 mx.{name}", f"mx.{name} A 127.0.0.1"] + [f"_{POSTFIX}._tcp.mx.{name} TLSA {record}" for record in tlsa]

    signed = host("right", f"3 1 1 {own}") + host("anchor", f"2 0 1 {anchor}") + host("useless", f"1 1 1 {other}") \
        + host("wrong", f"3 1 1 {other}") + host("wrongname", f"2 0 1 {anchor}") + host("plain") \
        + host("precedence", f"3 1 1 {own}") + ["_mta-sts.precedence TXT \"v=STSv1; id=1;\"", "mta-sts.precedence A 127.0.0.1"] \
        + ["mixed MX 10 mx.broken.expired."] + ["alias MX 10 mx.alias", "mx.alias CNAME mx.right"] \
        + ["lame MX 10 mx.lame", "mx.lame A 127.0.0.1", f"_{SINK}._tcp.mx.lame TLSA 3 1 1 {own}", f"_{POSTFIX}._tcp.mx.lame TLSA 3 1 1 {own}"]
    unsigned = []
    for name in ("good", "badname", "testing", "otherhost", "redirected", "override"):
        unsigned += host(name) + [f"_mta-sts.{name} TXT \"v=STSv1; id=1;\"", f"mta-sts.{name} A 127.0.0.1"]
    # An unsigned zone's TLSA records mean nothing.
    unsigned += host("none", f"3 1 1 {other}")
    return {"signed": signed, "expired": host("broken", f"3 1 1 {own}"), "unsigned": unsigned}


def run(report, root):
    authority = Authority(root)
    certificate, key = authority.issue("postfix", ["mx.good.unsigned", "mx.otherhost.unsigned", "mx.anchor.signed", "mx.right.signed"])
    names = NameServer(root, zones(authority, certificate), signed=("signed",), expired=("expired",))
    web = policy_host(authority)
    peer = Postfix(root, "", local=", ".join(DOMAINS), more=f"""smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
""")
    relay = Relay(root)
    relay.configure("", "[]", f"""delivery:
  mxPort: {POSTFIX}
  tls: [{{destinations: [override.unsigned], level: encrypt}}]
  mtaSTS: {{port: {POLICY_HOST}, privateAddresses: true, timeout: 10s}}
tls: {{trustedCertificates: ["{authority.certificate}"]}}
queue: {{retrySchedule: [1h], retryJitter: 0%}}""",
                    dns=f'{{forwarders: ["127.0.0.1:{NAMESERVER}"], trustAnchor: "{names.anchor}"}}')
    relay.start()
    try:
        for domain, tls in (("right.signed", "dane"), ("anchor.signed", "dane"), ("alias.signed", "dane"), ("useless.signed", "dane-unusable"),
                            ("plain.signed", "opportunistic"), ("none.unsigned", "opportunistic"), ("good.unsigned", "mta-sts"),
                            ("testing.unsigned", "mta-sts-testing"), ("redirected.unsigned", "opportunistic"),
                            ("override.unsigned", "encrypt"), ("precedence.signed", "dane")):
            report.case(f"{domain}: delivered under {tls}", delivered, relay, peer, domain, tls)
        for domain, reason in (("wrong.signed", "no certificate of the server matches the TLSA records"),
                               ("wrongname.signed", "for other names"),
                               ("mixed.signed", "the TLSA records of the host cannot be told"), ("badname.unsigned", "for other names"),
                               ("otherhost.unsigned", "not in the MTA-STS policy")):
            report.case(f"{domain}: waits, and says why", waits, relay, peer, domain, reason)
        report.case("TLS-Required: No goes where the records are wrong", waived, relay, peer)
        report.case("REQUIRETLS bounces with 5.7.30 where Postfix does not offer it", required, relay, peer)
        report.case("a redirection of a policy is not followed", redirected)
        report.case("policies and counts are kept over a restart", kept, relay, peer)
    finally:
        relay.end()
        peer.stop()
        web.shutdown()
    report.case("DANE at a server that hides STARTTLS waits", hidden, root, names)
    names.stop()


def policy_host(authority):
    certificate, key = authority.issue("policies", ["mta-sts." + domain for domain in PolicyHost.answers])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", POLICY_HOST), PolicyHost)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def queued(relay, domain):
    """The id of the message that was sent to `domain`."""
    mark = "policy-" + domain
    return send(SMTP, f"{mark}@client.test", f"you@{domain}", mail(mark, b"x\r\n"))


def text_of(relay, id):
    return relay.command("trace", id, "--json", check=False).stdout


def delivered(relay, peer, domain, tls):
    id = queued(relay, domain)
    message = at_postfix(peer, "policy-" + domain)[0]
    holds(b"(using TLSv1.3" in message, message[:600])
    text = until(lambda: "relayed" in text_of(relay, id) and text_of(relay, id), 20, "the end of the attempt")
    holds(f" {tls} " in text + " ", text[-900:])


def waits(relay, peer, domain, reason):
    id = queued(relay, domain)
    text = until(lambda: "deferred" in text_of(relay, id) and text_of(relay, id), 40, "a first attempt")
    holds(reason in text, text[-900:])
    holds(not any(b"policy-" + domain.encode() in message for message in peer.messages()), "it was delivered all the same")


def waived(relay, peer):
    message = b"TLS-Required: No\r\n" + mail("policy-waived", b"x\r\n")
    id = send(SMTP, "waived@client.test", "you@wrong.signed", message)
    at_postfix(peer, "policy-waived")
    until(lambda: "TLSv1.3 opportunistic" in text_of(relay, id), 20, f"the end of the attempt: {text_of(relay, id)[-600:]}")


def required(relay, peer):
    client = smtplib.SMTP("127.0.0.1", SMTP, local_hostname="client.test", timeout=30)
    holds(not client.ehlo()[1].count(b"REQUIRETLS"), "REQUIRETLS is offered in the clear")
    client.starttls(context=ssl._create_unverified_context())
    client.ehlo()
    holds(client.has_extn("requiretls"), f"REQUIRETLS is not offered under TLS: {client.esmtp_features}")
    client.mail("required@local.test", ["REQUIRETLS"])
    client.rcpt("you@right.signed")
    code, text = client.data(mail("policy-required", b"nobody sees this\r\n"))
    holds(code == 250, text)
    client.quit()
    bounce, = relay.arrived("required", "Status: 5.7.30")
    holds(b"nobody sees this" not in bounce, "the bounce returns the content")
    holds(not any(b"policy-required" in message for message in peer.messages()), "it was delivered all the same")


def redirected():
    holds("redirected.unsigned/.well-known/mta-sts.txt" in PolicyHost.asked, PolicyHost.asked)


def kept(relay, peer):
    asked = PolicyHost.asked.count("good.unsigned/.well-known/mta-sts.txt")
    relay.end()
    with open(f"{relay.spool}/mta-sts") as file:
        holds("good.unsigned 1 " in file.read(), "the policy is not in the file")
    with open(f"{relay.spool}/tls-reports") as file:
        text = file.read()
    for line in ("F certificate-host-mismatch", " right.signed tlsa 2 0 ", " good.unsigned sts 1 0 ", "F sts-policy-fetch-error",
                 "F tlsa-invalid"):
        holds(line in text, f"{line!r} is not in the counts: {text}")
    relay.start()
    queued(relay, "good.unsigned")
    at_postfix(peer, "policy-good.unsigned", 2)
    holds(PolicyHost.asked.count("good.unsigned/.well-known/mta-sts.txt") == asked, "the policy was fetched again")


def hidden(root, names):
    sink = Sink(POSTFIX)
    relay = Relay(root, "hidden")
    relay.configure("", "[]", f"delivery: {{mxPort: {POSTFIX}}}\nqueue: {{retrySchedule: [1h], retryJitter: 0%}}",
                    dns=f'{{forwarders: ["127.0.0.1:{NAMESERVER}"], trustAnchor: "{names.anchor}"}}')
    relay.start()
    try:
        id = queued(relay, "lame.signed")
        text = until(lambda: "deferred" in text_of(relay, id) and text_of(relay, id), 40, "a first attempt")
        holds("does not offer STARTTLS" in text, text[-900:])
        holds(not sink.messages, "it went out in the clear")
    finally:
        relay.end()
        sink.stop()
