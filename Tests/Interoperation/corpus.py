"""A mixed corpus: Baton, libopendkim and Rspamd read the same mail and the same DNS, and must say the same of it.

Where another program says something else, `differ` has the case, what that program says and the RFC's line; a
difference that is not listed fails, and so does one that is listed and gone.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import subprocess

from names import Names
from relay import BATON, NAMES, RSPAMD, commands
from report import Skip, equal, holds, need, until
from signatures import perl

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN, CLIENT, STRANGER = "signed.test", "192.0.2.1", "192.0.2.66"
FORMS = [(header, body) for header in ("relaxed", "simple") for body in ("relaxed", "simple")]
BODIES = {
    "text": "Hello  there \r\n\r\nbye\r\n\r\n\r\n", "empty": "", "blank": "\r\n\r\n", "tabs": "\ta\t \tb \r\n \r\n", "8bit": "smörgåsbord\r\n",
    "unfinished": "no line end", "long": "A line  of a large message \r\n" * 3000,
}

# (program, case): (what it says, the line that decides).
DIFFERENCES = {}


def differ(program, said, reason, *cases):
    DIFFERENCES.update({(program, case): (said, reason) for case in cases})


OPENDKIM, SCANNER = "libopendkim", "Rspamd"
differ(OPENDKIM, ["neutral", "neutral"], "RFC 6376 §3.4.4: a CRLF that is missing at the end is added; it gives no verdict",
       "Baton signs relaxed/relaxed unfinished", "Baton signs simple/relaxed unfinished")
differ(OPENDKIM, ["permerror"], "RFC 8601 §2.7.1: policy is for what passes and is not acceptable here: RFC 6376 §3.5 lets a t= in the future be ignored",
       "odd: from tomorrow")
differ(OPENDKIM, [], "RFC 6376 §6.1.1: a required tag is missing, PERMFAIL; it says nothing of such a signature",
       "odd: without a version", "odd: without a domain", "odd: without a selector")
differ(OPENDKIM, ["permerror"], "RFC 8301 §3.2: keys under 1024 bits are not acceptable; which word stands for that is open", "odd: a key of 768 bits")
differ(OPENDKIM, ["pass"], "RFC 6376 §8.2: what follows l= octets can be anything; policy", "l= over the whole body", "l= and more behind it")
differ(OPENDKIM, ["permerror"], "RFC 6376 §3.5: l= over the body's length; policy like every l=", "l= longer than the body")
differ(OPENDKIM, ["pass"], "RFC 6376 §6.1.2 step 7: the key is of another type than a= says", "key: wrongk")
differ(OPENDKIM, ["pass"], "RFC 6376 §3.6.1: v= must be the first tag of a record", "key: order")
differ(OPENDKIM, ["permerror"], "its keys come from a file here, which cannot be down", "key: down")
differ(SCANNER, ["ed:pass", "rsa:fail"], "RFC 6376 §6.1.1: base64 of such a length is malformed, PERMFAIL",
       "relaxed/relaxed: a signature cut short", "simple/simple: a signature cut short")
differ(SCANNER, [], "RFC 6376 §6.1.1: PERMFAIL; it leaves such a signature out, as the RFC lets verifiers do",
       "odd: expired", "odd: x before t", "odd: version 2", "odd: without a version", "odd: without a domain", "odd: without a selector", "odd: without bh",
       "odd: an algorithm of tomorrow", "odd: a canonicalization of tomorrow", "odd: From is not signed")
differ(SCANNER, [], "RFC 6376 §3.5: a t= in the future may be ignored; policy", "odd: from tomorrow")
differ(SCANNER, ["rsa:pass"], "RFC 6376 §6.1.1: i= must be d= or below it, and q= must be known: PERMFAIL", "odd: i= elsewhere", "odd: q= something else")
differ(SCANNER, ["tiny:pass"], "RFC 8301 §3.2: keys under 1024 bits are not acceptable", "odd: a key of 768 bits")
differ(SCANNER, ["rsa:pass"], "RFC 6376 §8.2: what follows l= octets can be anything; policy",
       "l= over the whole body", "l= and more behind it", "l= longer than the body")
for key, line in (("unknownk", "§6.1.2 step 7: the key's type"), ("sha1", "§6.1.2 step 6: h= does not have the hash"), ("service", "§3.6.1: s= does not have email"),
                  ("version", "§3.6.1: records with another v= are discarded"), ("order", "§3.6.1: v= must be the first tag")):
    differ(SCANNER, [f"{key}:pass"], f"RFC 6376 {line}", f"key: {key}")
differ(SCANNER, ["strict:pass"], "RFC 6376 §3.6.1: with t=s, i= must be d= itself", "key: strict with i= below d=")
differ(SCANNER, "fail", "RFC 7208 §4.6: a syntax error, or more than ten terms that ask DNS, is permerror", "sender: broken.test", "sender: loop.test", "sender: many.test")
differ(SCANNER, ("fail", "quarantine"), "RFC 9989 §4.8: pct is no tag any more, and ignored",
       *(f"policy: percent, {what}" for what in ("nothing passes", "another's SPF", "another's DKIM")))
differ(SCANNER, ("fail", "reject"), "RFC 9989 §4.7: t=y lowers what is asked for by one level; it knows RFC 7489 alone",
       *(f"policy: testing, {what}" for what in ("nothing passes", "another's SPF", "another's DKIM")))
differ(SCANNER, ("permerror", None), "RFC 9989 §4.10, §4.10.1: a bad p= without rua=, and two records, are as good as none", "policy: badp", "policy: twice")
differ(SCANNER, ("none", None), "RFC 9989 §4.3: two From fields name no Author Domain; permerror so that it cannot be taken for a domain without a policy",
       "oversigned From, and a second one")
differ(SCANNER, "none", "RFC 8617 §5.2 step 3: a set without its seal is a broken chain", "ARC: without its seal")

# (program, case): why what it says changes from run to run.
UNSETTLED = {(SCANNER, "sender: twice.test"): "RFC 7208 §4.5: two records are permerror; now and then it takes one of them"}


class Case:
    """One message, how it came, and what is right to say of it."""

    def __init__(self, name, message, dkim=(), spf="pass", dmarc=("none", None), arc="none", ip=CLIENT, sender=f"alice@{DOMAIN}", helo="mx.signed.test"):
        self.name, self.message = name, message
        self.expected = {"dkim": list(dkim), "spf": spf, "dmarc": tuple(dmarc), "arc": arc}
        self.ip, self.sender, self.helo = ip, sender, helo


def run(report, root):
    if "auth" not in commands():
        raise Skip("this baton has no auth command")
    try:
        import dkim  # noqa: F401
        import dns.message  # noqa: F401
    except ImportError as error:
        raise Skip(f"{error.name} is absent")
    keys = Keys(root)
    corpus = Corpus(keys, root)
    zone = os.path.join(root, "zone.json")
    with open(zone, "w") as file:
        json.dump(keys.zone, file)
    report.case("the whole corpus is made", corpus.make)
    cases = corpus.cases
    ours = {}
    report.case(f"the whole corpus ({len(cases)} messages) by Baton", baton, cases, zone, ours)
    report.case("the whole of what libopendkim says", compare, OPENDKIM, cases, ours, lambda: opendkim(cases, keys, root))
    report.case("the whole of what Rspamd says", compare, SCANNER, cases, ours, lambda: rspamd(cases, keys, root))


# Keys and what DNS has of them


class Keys:
    """Private keys in files, and the zone that publishes them, well and badly."""

    def __init__(self, root):
        self.files, texts = {}, {}
        for name, options in (("rsa", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), ("small", ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"]),
                              ("tiny", ["RSA", "-pkeyopt", "rsa_keygen_bits:768"]), ("ed", ["ED25519"]), ("other", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"])):
            path = os.path.join(root, f"{name}.pem")
            subprocess.run(["openssl", "genpkey", "-algorithm", *options, "-out", path], check=True, capture_output=True)
            os.chmod(path, 0o600)
            self.files[name] = path
            der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
            texts[name] = base64.b64encode(der[-32:] if name == "ed" else der).decode()
        self.pkcs1 = os.path.join(root, "pkcs1.pem")
        subprocess.run(["openssl", "rsa", "-in", self.files["rsa"], "-traditional", "-out", self.pkcs1], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.files["ed"], "-outform", "DER"], check=True, capture_output=True).stdout
        self.seed = base64.b64encode(der[-32:])
        rsa = texts["rsa"]
        published = {
            "rsa": f"v=DKIM1; k=rsa; p={rsa}", "small": f"v=DKIM1; p={texts['small']}", "tiny": f"v=DKIM1; p={texts['tiny']}",
            "ed": f"v=DKIM1; k=ed25519; p={texts['ed']}", "bare": f"p={rsa}", "spaced": f"v=DKIM1 ; k=rsa ; n=a note ; p={rsa[:40]} {rsa[40:]} ;",
            "revoked": "v=DKIM1; p=", "swapped": f"v=DKIM1; k=rsa; p={texts['other']}", "wrongk": f"v=DKIM1; k=ed25519; p={rsa}",
            "unknownk": f"v=DKIM1; k=lattice; p={rsa}", "sha1": f"v=DKIM1; h=sha1; p={rsa}", "hashes": f"v=DKIM1; h=sha1:sha256; p={rsa}",
            "service": f"v=DKIM1; s=tlsrpt; p={rsa}", "services": f"v=DKIM1; s=tlsrpt:email; p={rsa}", "strict": f"v=DKIM1; t=s; p={rsa}",
            "testing": f"v=DKIM1; t=y; p={rsa}", "version": f"v=DKIM2; p={rsa}", "broken": "v=DKIM1; p=MIGf!!!!", "order": f"k=rsa; v=DKIM1; p={rsa}",
        }
        self.zone = {f"{selector}._domainkey.{DOMAIN}": {"TXT": [text]} for selector, text in published.items()}
        self.texts = {name: entry["TXT"][0] for name, entry in self.zone.items()}
        self.zone[f"down._domainkey.{DOMAIN}"] = {"rcode": "SERVFAIL"}
        for sealer in ("one.test", "two.test", "three.test"):
            self.zone[f"rsa._domainkey.{sealer}"] = {"TXT": [published["rsa"]]}
        self.senders()

    def senders(self):
        """Domains with every policy, and those without."""
        self.zone[DOMAIN] = {"TXT": [f"v=spf1 ip4:{CLIENT} -all"]}
        for name, spf in (("fail", "v=spf1 -all"), ("soft", "v=spf1 ~all"), ("neutral", "v=spf1 ?all"), ("broken", "v=spf1 ip4:999.1.1.1 -all"),
                          ("loop", "v=spf1 include:loop.test -all"), ("include", "v=spf1 include:signed.test -all"), ("redirect", "v=spf1 redirect=signed.test"),
                          ("macro", "v=spf1 exists:%{ir}.%{v}.%{l}.where.test -all"), ("mx", "v=spf1 mx -all"), ("a", "v=spf1 a/24 -all"),
                          ("ptr", "v=spf1 ptr:pointed.test -all"), ("down", "v=spf1 include:failing.test -all")):
            self.zone[f"{name}.test"] = {"TXT": [spf]}
        self.zone["twice.test"] = {"TXT": ["v=spf1 -all", "v=spf1 +all"]}
        self.zone["failing.test"] = {"rcode": "SERVFAIL"}
        self.zone["mx.test"]["MX"] = ["10 host.mx.test"]
        self.zone["host.mx.test"] = {"A": [CLIENT]}
        self.zone["a.test"]["A"] = ["192.0.2.200"]
        self.zone["1.2.0.192.in-addr.arpa"] = {"PTR": ["host.pointed.test"]}
        self.zone["host.pointed.test"] = {"A": [CLIENT]}
        self.zone["1.2.0.192.in-addr.alice.where.test"] = {"A": ["127.0.0.2"]}
        self.zone["many.test"] = {"TXT": ["v=spf1 " + " ".join(f"include:i{number}.test" for number in range(11)) + " -all"]}
        for number in range(11):
            self.zone[f"i{number}.test"] = {"TXT": ["v=spf1 ?all"]}
        spf = f"v=spf1 ip4:{CLIENT} -all"
        for name, dmarc in (("reject", "v=DMARC1; p=reject"), ("quarantine", "v=DMARC1; p=quarantine"), ("none", "v=DMARC1; p=none"),
                            ("strict", "v=DMARC1; p=reject; aspf=s; adkim=s"), ("sub", "v=DMARC1; p=reject; sp=none"), ("percent", "v=DMARC1; p=reject; pct=0"),
                            ("nop", "v=DMARC1; rua=mailto:r@nop.test"), ("badp", "v=DMARC1; p=perhaps"), ("notdmarc", "v=DMARC2; p=reject"),
                            ("testing", "v=DMARC1; p=reject; t=y")):
            self.zone[f"{name}-policy.test"] = {"TXT": [spf]}
            self.zone[f"_dmarc.{name}-policy.test"] = {"TXT": [dmarc]}
            self.zone[f"rsa._domainkey.{name}-policy.test"] = {"TXT": [self.texts[f"rsa._domainkey.{DOMAIN}"]]}
            self.zone[f"news.{name}-policy.test"] = {"TXT": [spf]}
        self.zone["_dmarc.twice-policy.test"] = {"TXT": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}
        self.zone["twice-policy.test"] = {"TXT": [spf]}
        self.zone["_dmarc.down-policy.test"] = {"rcode": "SERVFAIL"}
        self.zone["down-policy.test"] = {"TXT": [spf]}


# Signing with tags of one's own choice


def relaxed_body(body):
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def relaxed_field(name, value):
    return name.lower().strip() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def sign(keys, message, change=None, key="rsa", names=("From", "To", "Subject", "Date", "Message-ID"), length=None):
    """A relaxed RSA signature whose tags are what `change` makes of the usual ones; a tag of None is left out."""
    from dkim.crypto import RSASSA_PKCS1_v1_5_sign, parse_pem_private_key
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [(name, value) for name, _, value in (line.partition(b":") for line in re.split(rb"\r\n(?![ \t])", head))]
    canonical = relaxed_body(body)
    tags = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": DOMAIN, "s": key, "h": ":".join(names),
            "bh": base64.b64encode(hashlib.sha256(canonical[:length]).digest()).decode()}
    if length is not None:
        tags["l"] = str(length)
    tags = {name: value for name, value in {**tags, **(change or {})}.items() if value is not None}
    field = b" " + b"; ".join(f"{name}={value}".encode() for name, value in tags.items()) + b"; b="
    text, left = b"", list(fields)
    for name in names:
        at = next((index for index in range(len(left) - 1, -1, -1) if left[index][0].strip().lower() == name.lower().encode()), None)
        if at is not None:
            text += relaxed_field(*left.pop(at)) + b"\r\n"
    digest = hashlib.sha256(text + relaxed_field(b"DKIM-Signature", field))
    with open(keys.pkcs1 if key == "rsa" or key not in keys.files else traditional(keys.files[key]), "rb") as file:
        signature = RSASSA_PKCS1_v1_5_sign(digest, parse_pem_private_key(file.read()))
    return b"DKIM-Signature:" + field + base64.b64encode(signature) + b"\r\n" + message


def traditional(path):
    out = path + ".pkcs1"
    subprocess.run(["openssl", "rsa", "-in", path, "-traditional", "-out", out], check=True, capture_output=True)
    return out


def plain(body="Hello there.\r\n", author=f"alice@{DOMAIN}", name="x"):
    return (f"From: Alice <{author}>\r\nTo: you@elsewhere.test\r\nSubject:  one\ttwo\r\n three {name}\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
            f"Message-ID: <{name}@{DOMAIN}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}").encode()


class Corpus:
    def __init__(self, keys, root):
        self.keys, self.root, self.cases = keys, root, []

    def add(self, name, message, *words, **more):
        self.cases.append(Case(name, message, *words, **more))

    def make(self):
        self.signed()
        self.damaged()
        self.odd()
        self.published()
        self.several()
        self.senders()
        self.policies()
        self.sealed()
        names = [case.name for case in self.cases]
        equal(len(names), len(set(names)), "names of cases")

    # DKIM

    def signed(self):
        import dkim
        for header, body in FORMS:
            for name, text in BODIES.items():
                message, form = plain(text, name=name), f"{header}/{body}"
                self.add(f"Baton signs {form} {name}", self.baton_sign(message, form), ["pass", "pass"])
                if name == "unfinished":
                    continue
                for kind, key in (("rsa", open(self.keys.files["rsa"], "rb").read()), ("ed", self.keys.seed)):
                    field = dkim.sign(message, kind.encode(), DOMAIN.encode(), key, canonicalize=(header.encode(), body.encode()),
                                      signature_algorithm=b"ed25519-sha256" if kind == "ed" else b"rsa-sha256")
                    self.add(f"dkimpy signs {form} {name} {kind}", field + message, ["pass"])
                order = {"sign": True, "key": self.keys.pkcs1, "algorithm": "rsa-sha256", "form": form, "domain": DOMAIN, "selector": "rsa"}
                try:
                    self.add(f"Mail::DKIM signs {form} {name}", perl(order, message), ["pass"])
                except Skip:
                    pass

    def baton_sign(self, message, form="relaxed/relaxed", selectors=("rsa", "ed"), domain=DOMAIN):
        words = [word for selector in selectors for word in ("--selector", selector, "--key", self.keys.files[selector])]
        done = subprocess.run([BATON, "auth", "sign", "-", "--domain", domain, *words, "-c", form], input=message, capture_output=True)
        equal(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def damaged(self):
        for form in ("relaxed/relaxed", "simple/simple"):
            good = self.baton_sign(plain(), form)
            self.add(f"{form}: a body with another word", good.replace(b"Hello", b"Hullo"), ["fail", "fail"])
            self.add(f"{form}: a line more", good + b"PS: buy\r\n", ["fail", "fail"])
            self.add(f"{form}: another subject", good.replace(b"three x", b"three y"), ["fail", "fail"])
            self.add(f"{form}: a second subject above", good.replace(b"From: Alice", b"Subject: second\r\nFrom: Alice"), ["fail", "fail"])
            self.add(f"{form}: a field that is not signed", b"X-Spam: no\r\n" + good, ["pass", "pass"])
            self.add(f"{form}: a signature cut short", re.sub(rb"(b=[A-Za-z0-9+/]{8})[A-Za-z0-9+/]", rb"\1", good, count=1), ["permerror", "pass"])
            self.add(f"{form}: a signature with another octet", re.sub(rb"(b=[A-Za-z0-9+/]{8})[A-Za-z0-9+/]{4}", rb"\1abcd", good, count=1), ["fail", "pass"])
            is_relaxed = form.startswith("relaxed")
            self.add(f"{form}: blanks at line ends", good.replace(b"there.", b"there. \t"), ["pass" if is_relaxed else "fail"] * 2)
            self.add(f"{form}: a folded subject", good.replace(b"three x", b"\r\n three x"), ["pass" if is_relaxed else "fail"] * 2)
            self.add(f"{form}: empty lines at the end", good + b"\r\n\r\n", ["pass", "pass"])
        self.add("not signed at all", plain(), [])

    def odd(self):
        import time
        now = int(time.time())
        for name, change, word in (
                ("expired", {"t": str(now - 7200), "x": str(now - 3600)}, "permerror"), ("not expired", {"t": str(now - 60), "x": str(now + 3600)}, "pass"),
                ("x before t", {"t": str(now), "x": str(now - 10)}, "permerror"), ("from tomorrow", {"t": str(now + 86400)}, "policy"),
                ("version 2", {"v": "2"}, "permerror"), ("without a version", {"v": None}, "permerror"), ("without a domain", {"d": None}, "permerror"),
                ("without a selector", {"s": None}, "permerror"), ("without bh", {"bh": None}, "permerror"),
                ("an algorithm of tomorrow", {"a": "rsa-sha512"}, "permerror"), ("a canonicalization of tomorrow", {"c": "strict/strict"}, "permerror"),
                ("i= below d=", {"i": f"bob@news.{DOMAIN}"}, "pass"), ("i= elsewhere", {"i": "bob@elsewhere.test"}, "permerror"),
                ("q=dns/txt", {"q": "dns/txt"}, "pass"), ("q= something else", {"q": "http/get"}, "permerror"),
                ("an unknown tag", {"tag": "value"}, "pass"), ("c= without the body's", {"c": "relaxed/simple", "z": "From:x"}, "pass")):
            self.add(f"odd: {name}", sign(self.keys, plain(), change), [word])
        self.add("odd: From is not signed", sign(self.keys, plain(), names=("To", "Subject")), ["permerror"])
        self.add("odd: a key of 1024 bits", sign(self.keys, plain(), key="small"), ["pass"])
        self.add("odd: a key of 768 bits", sign(self.keys, plain(), key="tiny"), ["policy"])
        body = plain("Hello there.\r\n")
        self.add("l= over the whole body", sign(self.keys, body, length=14), ["policy"])
        self.add("l= and more behind it", sign(self.keys, body, length=14) + b"PS: buy\r\n", ["policy"])
        self.add("l= longer than the body", sign(self.keys, body, {"l": "99"}), ["policy"])
        self.add("a field named twice in h=", sign(self.keys, plain(), names=("From", "From", "To", "Subject")), ["pass"])
        self.add("oversigned From, and a second one", b"From: Eve <eve@elsewhere.test>\r\n" + sign(self.keys, plain(), names=("From", "From", "To")),
                 ["fail"], dmarc=("permerror", None))

    def published(self):
        for selector, word in (("bare", "pass"), ("spaced", "pass"), ("gone", "permerror"), ("revoked", "permerror"), ("swapped", "fail"),
                               ("wrongk", "permerror"), ("unknownk", "permerror"), ("sha1", "permerror"), ("hashes", "pass"), ("service", "permerror"),
                               ("services", "pass"), ("strict", "pass"), ("testing", "pass"), ("version", "permerror"), ("broken", "permerror"),
                               ("order", "permerror"), ("down", "temperror")):
            self.add(f"key: {selector}", sign(self.keys, plain(), {"s": selector}), [word])
        self.add("key: strict with i= below d=", sign(self.keys, plain(), {"s": "strict", "i": f"@news.{DOMAIN}"}), ["permerror"])

    def several(self):
        self.add("several: good above broken", sign(self.keys, sign(self.keys, plain(), {"s": "swapped"})), ["pass", "fail"])
        self.add("several: broken above good", sign(self.keys, sign(self.keys, plain()), {"s": "swapped"}), ["fail", "pass"])
        self.add("several: gone, revoked and good", sign(self.keys, sign(self.keys, sign(self.keys, plain()), {"s": "revoked"}), {"s": "gone"}),
                 ["permerror", "permerror", "pass"])
        both = sign(self.keys, plain(), {"d": "reject-policy.test"})
        self.add("several: two domains", sign(self.keys, both), ["pass", "pass"])

    # SPF and DMARC

    def senders(self):
        for name, word in (("fail", "fail"), ("soft", "softfail"), ("neutral", "neutral"), ("broken", "permerror"), ("loop", "permerror"), ("include", "pass"),
                           ("redirect", "pass"), ("macro", "pass"), ("mx", "pass"), ("a", "pass"), ("ptr", "pass"), ("down", "temperror"), ("twice", "permerror"),
                           ("many", "permerror"), ("unknown", "none")):
            self.add(f"sender: {name}.test", plain(author=f"alice@{name}.test"), spf=word, sender=f"alice@{name}.test")
        self.add("sender: another client", plain(), spf="fail", ip=STRANGER)

    def policies(self):
        for name, wanted in (("reject", "reject"), ("quarantine", "quarantine"), ("none", "none"), ("sub", "reject"), ("percent", "reject"), ("nop", "none"),
                             ("testing", "quarantine")):
            author = f"alice@{name}-policy.test"
            self.add(f"policy: {name}, SPF passes", plain(author=author), dmarc=("pass", "none"), sender=author)
            self.add(f"policy: {name}, nothing passes", plain(author=author), spf="fail", dmarc=("fail", wanted), sender=author, ip=STRANGER)
            self.add(f"policy: {name}, another's SPF", plain(author=author), dmarc=("fail", wanted))
            good = sign(self.keys, plain(author=author), {"d": f"{name}-policy.test"})
            self.add(f"policy: {name}, DKIM passes", good, ["pass"], spf="fail", dmarc=("pass", "none"), sender=author, ip=STRANGER)
            self.add(f"policy: {name}, another's DKIM", sign(self.keys, plain(author=author)), ["pass"], spf="fail", dmarc=("fail", wanted), sender=author, ip=STRANGER)
        below = "alice@news.{}-policy.test"
        self.add("policy: below one of reject", plain(author=below.format("reject")), dmarc=("pass", "none"), sender="alice@reject-policy.test")
        self.add("policy: below a strict one", plain(author=below.format("strict")), dmarc=("fail", "reject"), sender="alice@strict-policy.test")
        self.add("policy: strict, the very domain", plain(author="alice@strict-policy.test"), dmarc=("pass", "none"), sender="alice@strict-policy.test")
        self.add("policy: strict, signed below", sign(self.keys, plain(author=below.format("strict")), {"d": "strict-policy.test"}), ["pass"],
                 spf="fail", dmarc=("fail", "reject"), sender="alice@strict-policy.test", ip=STRANGER)
        self.add("policy: sp=none", plain(author=below.format("sub")), spf="fail", dmarc=("fail", "none"), sender=below.format("sub"), ip=STRANGER)
        for name in ("badp", "notdmarc", "twice"):
            author = f"alice@{name}-policy.test"
            self.add(f"policy: {name}", plain(author=author), spf="fail", sender=author, ip=STRANGER)
        self.add("policy: DNS is down", plain(author="alice@down-policy.test"), spf="fail", dmarc=("temperror", None), sender="alice@down-policy.test", ip=STRANGER)

    # ARC

    def baton_seal(self, message, domain):
        zone = os.path.join(self.root, "zone.json")
        done = subprocess.run([BATON, "auth", "seal", "-", "--domain", domain, "--selector", "rsa", "--key", self.keys.files["rsa"], "--ip", CLIENT,
                               "--helo", "x.test", "--from", f"alice@{DOMAIN}", "--zone", zone, "--authserv-id", domain], input=message, capture_output=True)
        equal(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def dkimpy_seal(self, message, domain):
        import dkim
        texts = {name + ".": entry["TXT"][0].encode() for name, entry in self.keys.zone.items() if isinstance(entry, dict) and "TXT" in entry}
        find = lambda name, timeout=5: texts.get(name.decode() if isinstance(name, bytes) else name)
        message = f"Authentication-Results: {domain}; arc={'pass' if b'ARC-Seal' in message else 'none'}; spf=pass\r\n".encode() + message
        sealer = dkim.ARC(message)
        with open(self.keys.files["rsa"], "rb") as file:
            fields = sealer.sign(b"rsa", domain.encode(), file.read(), domain.encode())
        holds(fields, "dkimpy seals nothing")
        return b"".join(fields) + message

    def sealed(self):
        with open(os.path.join(self.root, "zone.json"), "w") as file:
            json.dump(self.keys.zone, file)
        good = self.baton_sign(plain())
        dkim = ["pass", "pass"]
        chains = {"Baton": [self.baton_seal], "dkimpy": [self.dkimpy_seal], "Baton, dkimpy": [self.baton_seal, self.dkimpy_seal],
                  "dkimpy, Baton": [self.dkimpy_seal, self.baton_seal], "three hops": [self.baton_seal, self.dkimpy_seal, self.baton_seal]}
        made = {}
        for name, hops in chains.items():
            message = good
            for seal, domain in zip(hops, ("one.test", "two.test", "three.test")):
                message = seal(message, domain)
            made[name] = message
            self.add(f"ARC: {name}", message, dkim, arc="pass")
        one, two = made["Baton"], made["Baton, dkimpy"]
        self.add("ARC: broken body", two + b"more\r\n", ["fail", "fail"], arc="fail")
        self.add("ARC: broken subject", two.replace(b"three x", b"three y"), ["fail", "fail"], arc="fail")
        self.add("ARC: other results in the first set", two.replace(b"ARC-Authentication-Results: i=1; one.test", b"ARC-Authentication-Results: i=1; uno.test"),
                 dkim, arc="fail")
        self.add("ARC: without its seal", re.sub(rb"ARC-Seal:.*?\r\n(?![ \t])", b"", one, flags=re.S), dkim, arc="fail")
        self.add("ARC: without its results", re.sub(rb"ARC-Authentication-Results:.*?\r\n(?![ \t])", b"", one, flags=re.S), dkim, arc="fail")
        self.add("ARC: the first set is gone", re.sub(rb"ARC-[A-Za-z-]+:(?:(?!\r\n[^ \t]).)*i=1;.*?\r\n(?![ \t])", b"", two, flags=re.S), dkim, arc="fail")
        body = self.baton_seal(good, "one.test") + b"changed\r\n"
        self.add("ARC: sealed again after a change", self.baton_seal(body, "two.test"), ["fail", "fail"], arc="fail")
        changed = two.replace(b"Hello there.", b"Hello there, list.")
        self.add("ARC: a list's hop between two", changed, ["fail", "fail"], arc="fail")
        self.add("ARC: changed before the second seal", self.dkimpy_seal(one.replace(b"X", b"X"), "two.test"), dkim, arc="pass")


# What each program says


def baton(cases, zone, found):
    requests = "".join(json.dumps({"id": case.name, "ip": case.ip, "helo": case.helo, "from": case.sender, "message": base64.b64encode(case.message).decode()}) + "\n"
                       for case in cases)
    done = subprocess.run([BATON, "auth", "check", "--batch", "--zone", zone], input=requests.encode(), capture_output=True, timeout=300)
    equal(done.returncode, 0, done.stderr.decode())
    for answer in map(json.loads, done.stdout.splitlines()):
        dmarc = answer["dmarc"]
        found[answer["id"]] = {
            "dkim": [one["result"] for one in answer["dkim"]], "selectors": [one["selector"] for one in answer["dkim"]], "spf": answer["spf"]["result"],
            "dmarc": (dmarc["result"], dmarc["disposition"] if dmarc["result"] in ("pass", "fail") else None), "arc": answer["arc"]["result"],
        }
    wrong = []
    for case in cases:
        said = found.get(case.name, {})
        for method, expected in case.expected.items():
            if said.get(method) != expected:
                wrong.append(f"{case.name}: {method} {said.get(method)} instead of {expected}")
    holds(not wrong, f"{len(wrong)} wrong: " + "; ".join(wrong[:20]))


def opendkim(cases, keys, root):
    """DKIM alone; keys from a file, so that nothing can be down."""
    need("cc")
    program, records = os.path.join(root, "opendkim"), os.path.join(root, "keyfile")
    built = subprocess.run(["cc", "-O1", "-o", program, os.path.join(HERE, "opendkim.c"), "-lopendkim"], capture_output=True, text=True)
    if built.returncode != 0:
        raise Skip("libopendkim is absent: " + built.stderr.strip()[-80:])
    with open(records, "w") as file:
        for name, entry in keys.zone.items():
            if isinstance(entry, dict) and "TXT" in entry and "._domainkey." in name:
                file.write(f"{name} {entry['TXT'][0]}\n")
    paths = []
    for index, case in enumerate(cases):
        paths.append(os.path.join(root, f"message{index}"))
        with open(paths[-1], "wb") as file:
            file.write(case.message)
    done = subprocess.run([program, records, *paths], capture_output=True, text=True, timeout=300)
    equal(done.returncode, 0, done.stderr)
    found = {}
    for case, line in zip(cases, done.stdout.split("\n")):
        parts = [part.split(":", 2) for part in line.split("\t")] if line else []
        found[case.name] = {"dkim": [part[1] for part in parts], "why": [part[2] for part in parts]}
    return found


WORDS = {
    "dkim": {"R_DKIM_ALLOW": "pass", "R_DKIM_REJECT": "fail", "R_DKIM_PERMFAIL": "permerror", "R_DKIM_TEMPFAIL": "temperror"},
    "spf": {"R_SPF_ALLOW": "pass", "R_SPF_FAIL": "fail", "R_SPF_SOFTFAIL": "softfail", "R_SPF_NEUTRAL": "neutral", "R_SPF_PERMFAIL": "permerror",
            "R_SPF_DNSFAIL": "temperror", "R_SPF_NA": "none", "R_SPF_PLUSALL": "pass"},
    "arc": {"ARC_ALLOW": "pass", "ARC_REJECT": "fail", "ARC_INVALID": "fail", "ARC_NA": "none", "ARC_DNSFAIL": "temperror"},
    "dmarc": {"DMARC_POLICY_ALLOW": ("pass", "none"), "DMARC_POLICY_ALLOW_WITH_FAILURES": ("pass", "none"), "DMARC_POLICY_REJECT": ("fail", "reject"),
              "DMARC_POLICY_QUARANTINE": ("fail", "quarantine"), "DMARC_POLICY_SOFTFAIL": ("fail", "none"), "DMARC_NA": ("none", None),
              "DMARC_BAD_POLICY": ("permerror", None), "DMARC_DNSFAIL": ("temperror", None)},
}


def rspamd(cases, keys, root):
    need("rspamd")
    folder = os.path.join(root, "rspamd")
    os.mkdir(folder)
    with open(f"{folder}/suffixes", "w") as file:
        file.write("test\n")
    with open(f"{folder}/rspamd.conf", "w") as file:
        file.write(f"""options {{
    pidfile = "{folder}/pid"; tempdir = "{folder}"; hs_cache_dir = "{folder}"; url_tld = "{folder}/suffixes"; local_addrs = []; filters = "dkim";
    history_file = "{folder}/history"; stats_file = "{folder}/stats"; control_socket = "{folder}/control mode=0600";
    dns {{ nameserver = ["127.0.0.1:{NAMES}"]; timeout = 1s; retransmits = 1; sockets = 4; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{RSPAMD}"; count = 1; }}
modules {{ path = "/usr/share/rspamd/plugins/spf.lua"; path = "/usr/share/rspamd/plugins/dmarc.lua"; path = "/usr/share/rspamd/plugins/arc.lua"; }}
actions {{ reject = 1000; }}
dkim {{ trusted_only = false; skip_multi = false; check_local = true; check_authed = true; }}
spf {{ check_local = true; check_authed = true; }}
dmarc {{ }}
arc {{ check_local = true; check_authed = true; }}
""")
    server = Names(NAMES, keys.zone)
    process = subprocess.Popen(["rspamd", "-f", "-i", "-c", f"{folder}/rspamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(process), 60, "the start of Rspamd")
        return {case.name: ask(case) for case in cases}
    finally:
        process.terminate()
        process.wait(30)
        server.stop()


def answers(process):
    if process.poll() is not None:
        raise AssertionError(f"rspamd ended with {process.returncode}")
    try:
        client = http.client.HTTPConnection("127.0.0.1", RSPAMD, timeout=2)
        client.request("GET", "/ping")
        return client.getresponse().status == 200
    except OSError:
        return False


def ask(case):
    client = http.client.HTTPConnection("127.0.0.1", RSPAMD, timeout=30)
    client.request("POST", "/checkv2", case.message, {"IP": case.ip, "Helo": case.helo, "From": case.sender, "Rcpt": "you@elsewhere.test"})
    symbols = json.loads(client.getresponse().read())["symbols"]
    found = {method: next((words[name] for name in words if name in symbols), None) for method, words in WORDS.items() if method != "dkim"}
    found["dkim"] = sorted(f"{option.rpartition('=')[2]}:{word}" for name, word in WORDS["dkim"].items() if name in symbols
                           for option in symbols[name].get("options") or [])
    return found


def compare(program, cases, ours, ask):
    theirs, wrong, seen = ask(), [], set()
    for case in cases:
        said = theirs[case.name]
        for method in ("dkim", "spf", "dmarc", "arc"):
            if method not in said:
                continue
            mine = ours[case.name][method]
            if program == SCANNER and method == "dkim":
                mine = sorted(f"{selector}:{word}" for selector, word in zip(ours[case.name]["selectors"], mine))
            if said[method] == mine or (program, case.name) in UNSETTLED:
                continue
            listed = DIFFERENCES.get((program, case.name))
            seen.add((program, case.name))
            if listed is None or listed[0] != said[method]:
                wrong.append(f"{case.name}: {method} is {said[method]} by {program}, {mine} by Baton {said.get('why', '')}")
    gone = [name for other, name in DIFFERENCES if other == program and (other, name) not in seen]
    holds(not wrong and not gone, f"{len(wrong)} differences: " + "\n    ".join([""] + wrong[:60]) + (f"; listed and gone: {gone}" if gone else ""))
