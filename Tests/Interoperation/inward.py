"""Postfix sends to Baton by DANE: in a network and mount namespace of their own, with NSD, Unbound and port 25."""
import os
import subprocess
import sys

from report import Report, Skip, holds, need, until

RESOLVER = "nameserver 127.0.0.1\noptions edns0 trust-ad\n"


def run(report, root):
    report.case("Postfix to Baton by DANE", apart, root)


def apart(root):
    """Runs the cases below where ports and the resolver are nobody else's."""
    if os.geteuid() != 0:
        raise Skip("namespaces need root")
    for program in ("unshare", "ip", "unbound", "nsd", "postfix", "ldns-signzone"):
        need(program)
    resolver = f"{root}/resolv.conf"
    with open(resolver, "w") as file:
        file.write(RESOLVER)
    inside = f"{root}/inside"
    os.mkdir(inside)
    script = f'ip link set lo up && mount --bind {resolver} "$(realpath /etc/resolv.conf)" && exec python3 -B "$0" "$1"'
    done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script, os.path.realpath(__file__), inside], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "PORT": "2570"})
    print("".join(f"      {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
    if "cannot" in done.stderr and "namespace" in done.stderr:
        raise Skip(done.stderr.strip()[-80:])
    holds(done.returncode == 0, (done.stdout + done.stderr)[-900:])


class Unbound:
    """A resolver at 127.0.0.1:53 that validates the zone `signed`."""

    def __init__(self, root, names, nameserver):
        file = f"{root}/unbound.conf"
        with open(file, "w") as out:
            out.write(f"""server:
  interface: 127.0.0.1
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "{root}"
  pidfile: ""
  use-syslog: no
  logfile: "{root}/unbound.log"
  trust-anchor-file: "{names.anchor}"
  do-not-query-localhost: no
stub-zone:
  name: signed
  stub-addr: 127.0.0.1@{nameserver}
remote-control:
  control-enable: no
""")
        self.process = subprocess.Popen(["unbound", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def within(root):
    from authority import Authority
    from dialogue import send
    from octets import mail
    from peers import Postfix
    from relay import POSTFIX, Relay
    from signedzone import NAMESERVER, NameServer

    report = Report()
    report.group = "inward"
    authority = Authority(root)
    chain, key = authority.issue("baton", ["mx.right.signed"])
    right = f"3 1 1 {authority.spki_digest(chain)}"
    anchor = f"2 0 1 {authority.digest(authority.certificate)}"
    records = []
    # Postfix takes an address where it listens itself for a loop.
    for name, tlsa in (("right", right), ("anchor", anchor), ("wrong", "3 1 1 " + "00" * 32)):
        host = "mx.right" if name == "anchor" else f"mx.{name}"
        records += [f"{name} MX 10 {host}", f"mx.{name} A 127.0.0.2", f"_25._tcp.mx.{name} TLSA {tlsa}"]
    names = NameServer(root, {"signed": records}, signed=("signed",))
    resolver = Unbound(root, names, NAMESERVER)
    relay = Relay(root)
    domains = "".join(f'\n  {name}.signed: {{route: boxes, mailboxes: "*"}}' for name in ("right", "anchor", "wrong"))
    relay.configure(domains=domains, relay="[127.0.0.9/32]", listeners='\n  - {address: "127.0.0.1:25"}\n  - {address: "127.0.0.2:25"}',
                    more=f'tls: {{certificates: [{{chain: "{chain}", key: "{key}"}}]}}')
    relay.start(25)
    peer = Postfix(root, "", more="""disable_dns_lookups = no
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_loglevel = 1
smtp_host_lookup = dns
""")

    def delivered(domain):
        send(POSTFIX, "me@client.test", f"box@{domain}", mail("dane-" + domain, b"x\r\n"))
        message = relay.arrived("box", "dane-" + domain, domain)[0]
        holds(b"with ESMTPS (TLSv1.3)" in message, message[:500])
        with open(f"{peer.folder}/log") as log:
            holds("Verified TLS connection established to mx.right.signed" in log.read(), "Postfix did not verify the host")

    def withheld():
        send(POSTFIX, "me@client.test", "box@wrong.signed", mail("dane-wrong", b"x\r\n"))

        def waits():
            with open(f"{peer.folder}/log") as log:
                return [line for line in log if "to=<box@wrong.signed>" in line and "status=deferred" in line]
        holds("Server certificate not" in until(waits, 20, "a first attempt")[0], "another reason")
        holds(not relay.mailbox("box", "wrong.signed"), "it was delivered")
    try:
        report.case("right TLSA (3 1 1): verified and delivered", delivered, "right.signed")
        report.case("the same host for another domain", delivered, "anchor.signed")
        report.case("wrong TLSA: Postfix keeps the mail", withheld)
    finally:
        peer.stop()
        relay.end()
        resolver.stop()
        names.stop()
    report.end()


if __name__ == "__main__":
    within(sys.argv[1])
