"""A plain SMTP client: says exactly the octets it is told to say."""
import socket


class Dialogue:
    def __init__(self, port, host="127.0.0.1", source=None, greeting=True, hello="EHLO client.test", timeout=60):
        self.socket = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.extensions = {}
        if greeting:
            self.greeting = self.reply()
            if hello:
                code, lines = self.say(hello)
                for line in lines[1:]:
                    word, _, rest = line.partition(" ")
                    self.extensions[word.upper()] = rest

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The code of the next reply and its lines."""
        lines = []
        while True:
            line = self.input.readline()
            if not line.endswith(b"\r\n"):
                raise EOFError(f"the connection ended within a reply: {line!r}")
            lines.append(line[4:-2].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                return int(line[:3]), lines

    def say(self, line):
        self.send(line.encode() + b"\r\n" if isinstance(line, str) else line + b"\r\n")
        return self.reply()

    def expect(self, line, code):
        got, lines = self.say(line)
        if got != code:
            raise AssertionError(f"{line!r} was answered {got} {' '.join(lines)}, expected {code}")
        return lines

    def transaction(self, sender, recipients, mail="", rcpt=""):
        self.expect(f"MAIL FROM:<{sender}>{' ' + mail if mail else ''}", 250)
        for recipient in [recipients] if isinstance(recipients, str) else recipients:
            self.expect(f"RCPT TO:<{recipient}>{' ' + rcpt if rcpt else ''}", 250)

    def data(self, message):
        """The message by DATA, dots doubled; gives the reply."""
        self.expect("DATA", 354)
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self.send(stuffed + b".\r\n")
        return self.reply()

    def bdat(self, message, size=None):
        """The message by BDAT in chunks of `size`; gives the last reply."""
        size = size or max(1, len(message))
        parts = [message[at:at + size] for at in range(0, len(message), size)] or [b""]
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            self.send(b"BDAT %d%s\r\n" % (len(part), b" LAST" if last else b"") + part)
            answer = self.reply()
            if answer[0] != 250:
                return answer
        return answer

    def quit(self):
        try:
            self.say("QUIT")
        except (EOFError, OSError):
            pass
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()


def send(port, sender, recipients, message, mail="", rcpt="", bdat=None, **keywords):
    """One message in one session; gives the queue id."""
    session = Dialogue(port, **keywords)
    session.transaction(sender, recipients, mail, rcpt)
    code, lines = session.bdat(message, bdat) if bdat else session.data(message)
    if code != 250:
        raise AssertionError(f"the message was answered {code} {' '.join(lines)}")
    session.quit()
    return lines[-1].split()[-1]
