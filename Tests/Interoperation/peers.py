"""Postfix and Dovecot in folders of their own, far from an installed one."""
import os
import shutil
import signal
import socket
import subprocess

from relay import DOVECOT, POSTFIX
from report import Skip, need, until


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Postfix:
    """Takes mail at `port`; for `local` domains into mailboxes, all other through `relayhost`."""

    def __init__(self, root, relayhost, local="", more="", port=POSTFIX):
        need("postfix")
        if os.geteuid() != 0:
            raise Skip("Postfix needs root")
        self.folder = os.path.join(root, "postfix")
        self.etc, self.queue, data = (f"{self.folder}/{name}" for name in ("etc", "queue", "data"))
        for path in (self.etc, self.queue, data, f"{self.etc}/dynamicmaps.cf.d", f"{self.etc}/postfix-files.d"):
            os.makedirs(path)
        self.mail = f"{self.folder}/mail"
        os.makedirs(self.mail)
        shutil.chown(data, "postfix")
        shutil.chown(self.mail, "nobody")
        for name in ("dynamicmaps.cf", "postfix-files"):
            shutil.copy(f"/etc/postfix/{name}", self.etc)
        with open(f"{self.etc}/main.cf", "w") as file:
            file.write(f"""compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
myorigin = postfix.test
mydestination =
local_recipient_maps =
local_transport = error:no local
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{{{no@implicit.test = 550 5.1.1 no such person}}}}, permit
virtual_mailbox_domains = {local}
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
relayhost = {relayhost}
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
message_size_limit = 104857600
mailbox_size_limit = 0
smtp_tls_security_level = none
smtpd_tls_security_level = none
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 2s
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
{more}
""")
        with open("/etc/postfix/master.cf") as file:
            lines = file.read().splitlines()
        services = []
        for line in lines:
            words = line.split()
            if not words or line.startswith(("#", " ", "\t")) or len(words) < 8:
                continue
            if words[0] in ("maildrop", "uucp", "ifmail", "bsmtp", "scalemail", "mailman"):
                continue
            if words[0] == "smtp" and words[1] == "inet":
                words[0] = f"127.0.0.1:{port}"
            elif words[1] == "inet":
                continue
            words[4] = "n"
            services.append(" ".join(words))
        if not any(service.startswith("postlog ") for service in services):
            services.append("postlog unix-dgram n - n - 1 postlogd")
        with open(f"{self.etc}/master.cf", "w") as file:
            file.write("\n".join(services) + "\n")
        done = subprocess.run(["postfix", "-c", self.etc, "start"], capture_output=True, text=True)
        until(lambda: listens(port), 20, f"the start of Postfix ({done.stderr[-300:]})")

    def messages(self):
        """The messages in the mailboxes, oldest first; bytes with LF line ends."""
        found = []
        for name in sorted(os.listdir(f"{self.mail}/box/new") if os.path.isdir(f"{self.mail}/box/new") else []):
            with open(f"{self.mail}/box/new/{name}", "rb") as file:
                found.append(file.read())
        return found

    def stop(self):
        subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True)


class Dovecot:
    """LMTP alone, at DOVECOT and at a Unix socket, into Maildirs below `mail`."""

    def __init__(self, root):
        program = need("dovecot")
        if os.geteuid() != 0:
            raise Skip("Dovecot needs root")
        self.folder = os.path.join(root, "dovecot")
        self.mail, self.socket = f"{self.folder}/mail", f"{self.folder}/lmtp"
        os.makedirs(self.mail)
        shutil.chown(self.mail, "nobody")
        file = f"{self.folder}/dovecot.conf"
        with open(file, "w") as out:
            out.write(f"""protocols = lmtp
listen = 127.0.0.1
base_dir = {self.folder}/run
state_dir = {self.folder}/state
instance_name = baton-interoperation
log_path = {self.folder}/log
ssl = no
default_internal_user = dovecot
default_login_user = dovenull
mail_location = maildir:{self.mail}/%n
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={self.mail}/%n allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {DOVECOT}
  }}
  unix_listener {self.socket} {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@local.test
}}
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +
""")
        self.process = subprocess.Popen([program, "-F", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until(lambda: listens(DOVECOT), 15, "the start of Dovecot")

    def messages(self, user):
        folder = f"{self.mail}/{user}/new"
        found = []
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            with open(f"{folder}/{name}", "rb") as file:
                found.append(file.read())
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class DovecotAuth:
    """Dovecot's authentication server alone, at `socket`, with one account; `stored` is its password with a scheme."""

    def __init__(self, root, user, password, name="dovecot-auth", stored=None, more=""):
        program = need("dovecot")
        if os.geteuid() != 0:
            raise Skip("Dovecot needs root")
        self.folder = os.path.join(root, name)
        os.makedirs(self.folder)
        self.socket = f"{self.folder}/login"
        users, file = f"{self.folder}/users", f"{self.folder}/dovecot.conf"
        with open(users, "w") as out:
            out.write(f"{user}:{stored or '{PLAIN}' + password}:65534:65534\n")
        os.chmod(users, 0o644)
        with open(file, "w") as out:
            out.write(f"""protocols =
base_dir = {self.folder}/run
state_dir = {self.folder}/state
instance_name = {name}
log_path = {self.folder}/log
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 0
{more}first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = passwd-file
  args = {users}
}}
service auth {{
  unix_listener {self.socket} {{
    mode = 0666
  }}
}}
""")
        self.process = subprocess.Popen([program, "-F", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until(lambda: os.path.exists(self.socket), 15, "the start of Dovecot")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
