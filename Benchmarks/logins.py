#!/usr/bin/env python3
"""How many clients a second can log in; each line of output is one measurement in JSON.

  logins.py BATON [--seconds 8] [--clients 4] [--versus-postfix]

`known`: PLAIN with a password that was right a moment ago; `hashed`: the same with no memory of it, one scrypt each;
`scram`: SCRAM-SHA-256, whose hashing is the client's; `wrong`: names that do not exist. Each login is a connection of its own:
connect, EHLO, AUTH, QUIT. The clients are processes beside the server on the same cores. With --versus-postfix (as root) the
same is asked of Postfix with Dovecot's authentication server: PLAIN with a password that Dovecot keeps in the clear and in its
cache, the dearest that it hashes (ARGON2ID), SCRAM-SHA-256, and a wrong one."""
import argparse, base64, hashlib, hmac, json, multiprocessing, os, signal, socket, subprocess, sys, tempfile, time

PORT, USER, PASSWORD = int(os.environ.get("PORT", "2690")), "alice@local.test", "correct horse battery"


def configure(folder, lifetime):
    with open(f"{folder}/baton.yaml", "w") as file:
        file.write(f"""hostname: relay.test
listeners:
  - {{address: "127.0.0.1:{PORT}", dialect: submission, plaintextAuthentication: true}}
domains: {{local.test: {{route: boxes, mailboxes: "*"}}}}
relayNetworks: [127.0.0.9/32]
routes: {{boxes: {{type: maildir, path: "{folder}/mail/{{domain}}/{{user}}"}}}}
spool: {{directory: "{folder}/spool", segmentSize: 16MiB}}
dns: {{forwarders: system, trustAnchor: none}}
control: {{socket: "{folder}/control", submitSocket: "{folder}/submit", group: "root"}}
log: {{level: error}}
limits: {{maxConnectionsPerClient: 1000, maxConnectionsPerClientAndMinute: 1000000}}
policy: {{limits: []}}
authentication: {{cacheLifetime: {lifetime}, failureDelay: 0s, maxFailuresPerClient: 1000000, maxFailuresPerName: 1000000}}
""")


class Session:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.reply()
        self.say(b"EHLO client.test")

    def reply(self):
        while True:
            line = self.input.readline()
            if line[3:4] != b"-":
                return line

    def say(self, line):
        self.socket.sendall(line + b"\r\n")
        return self.reply()

    def close(self):
        self.socket.sendall(b"QUIT\r\n")
        self.reply()
        self.socket.close()


def plain(name, password, wanted):
    response = b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode())

    def login():
        session = Session()
        said = session.say(response)
        assert said.startswith(wanted), said
        session.close()
    return login


def scram():
    salted = {}

    def login():
        session = Session()
        nonce = base64.b64encode(os.urandom(12)).decode()
        bare = f"n={USER},r={nonce}"
        first = base64.b64decode(session.say(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,," + bare.encode()))[4:]).decode()
        fields = dict(field.split("=", 1) for field in first.split(","))
        # A client keeps what its password and the salt make.
        key = salted.get(fields["s"])
        if key is None:
            key = salted[fields["s"]] = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client = hmac.digest(key, b"Client Key", "sha256")
        final = f"c=biws,r={fields['r']}"
        said = f"{bare},{first},{final}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), said, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signature))).decode()
        session.say(base64.b64encode(f"{final},p={proof}".encode()))
        assert session.say(b"").startswith(b"235")
        session.close()
    return login


class Group:
    """The processes of a server, for their CPU time together: those that are started within it and theirs."""

    def __init__(self):
        self.path = f"/sys/fs/cgroup/cpuacct/logins.{os.getpid()}"
        os.makedirs(self.path, exist_ok=True)

    def __enter__(self):
        self.move(self.path)
        return self

    def __exit__(self, *_):
        self.move("/sys/fs/cgroup/cpuacct")

    @staticmethod
    def move(folder):
        with open(f"{folder}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))

    def cpu(self):
        with open(f"{self.path}/cpuacct.usage") as file:
            return int(file.read()) / 1e9


class Daemon:
    """One process and its CPU time."""

    def __init__(self, process):
        self.process = process

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def work(login, end, counts):
    login()
    while time.monotonic() < end:
        login()
        counts.value += 1


def measure(server, name, login, seconds, clients, label="baton"):
    login()
    counts = [multiprocessing.Value("l", 0, lock=False) for _ in range(clients)]
    began, spent = time.monotonic(), server.cpu()
    workers = [multiprocessing.Process(target=work, args=(login, began + seconds, count)) for count in counts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken = time.monotonic() - began
    total = sum(count.value for count in counts)
    print(json.dumps({"server": label, "what": name, "logins_per_second": round(total / taken, 1), "server_cpu_ms_per_login": round(1000 * (server.cpu() - spent) / max(total, 1), 3),
                      "clients": clients, "seconds": round(taken, 1)}), flush=True)


def postfix(options, folder):
    """Postfix and Dovecot in folders of their own, as the interoperation tests have them."""
    global PORT
    os.environ.setdefault("BATON", options.baton)
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "Interoperation"))
    from peers import DovecotAuth, Postfix
    from relay import POSTFIX

    os.chmod(folder, 0o755)
    PORT = POSTFIX
    for name, scheme, logins in (("known", "PLAIN", [("known", plain(USER, PASSWORD, b"235")), ("scram", scram()), ("wrong", plain("nobody", "x", b"535"))]),
                                 ("hashed", "ARGON2ID", [("hashed", plain(USER, PASSWORD, b"235"))])):
        hashed = subprocess.run(["doveadm", "pw", "-s", scheme, "-p", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
        group = Group()
        with group:
            auth = DovecotAuth(folder, USER, PASSWORD, "dovecot-" + name, stored=hashed,
                               more="" if name == "hashed" else "auth_cache_size = 10M\n")
            here = os.path.join(folder, name)
            os.mkdir(here)
            peer = Postfix(here, "", more=f"""smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth.socket}
smtpd_sasl_security_options = noanonymous
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
smtpd_error_sleep_time = 0
max_use = 10000
""")
        try:
            for what, login in logins:
                measure(group, what, login, options.seconds, options.clients, "postfix")
        finally:
            peer.stop()
            auth.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("baton")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--versus-postfix", action="store_true")
    options = parser.parse_args()
    for lifetime, cases in (("1h", [("known", plain(USER, PASSWORD, b"235")), ("scram", scram())]),
                            ("0s", [("hashed", plain(USER, PASSWORD, b"235")), ("wrong", plain("nobody", "x", b"535"))])):
        with tempfile.TemporaryDirectory(prefix="baton-auth.") as folder:
            os.mkdir(f"{folder}/spool")
            configure(folder, lifetime)
            subprocess.run([options.baton, "account", "add", USER, "--config", f"{folder}/baton.yaml"], input=PASSWORD + "\n", text=True, check=True,
                           stdout=subprocess.DEVNULL)
            process = subprocess.Popen([options.baton, "serve", "--config", f"{folder}/baton.yaml"], stdout=subprocess.DEVNULL)
            try:
                for _ in range(200):
                    try:
                        socket.create_connection(("127.0.0.1", PORT), 1).close()
                        break
                    except OSError:
                        time.sleep(0.05)
                for name, login in cases:
                    measure(Daemon(process), name, login, options.seconds, options.clients)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
    if options.versus_postfix:
        with tempfile.TemporaryDirectory(prefix="postfix-auth.") as folder:
            postfix(options, folder)


main()
