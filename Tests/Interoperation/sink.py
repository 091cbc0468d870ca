"""A next hop that records every octet, and whose extensions and replies can be chosen."""
import re
import socket
import threading


class Received:
    """One message as it came."""

    def __init__(self, sender, parameters):
        self.sender = sender
        self.parameters = parameters
        self.recipients = []
        self.content = b""
        self.by = None


class Sink:
    """Listens on `port`; `extensions` is what EHLO offers."""

    EVERYTHING = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES", "SIZE 104857600")

    def __init__(self, port, extensions=EVERYTHING, dialect="ESMTP"):
        self.port = port
        self.extensions = list(extensions)
        self.dialect = dialect
        self.messages = []
        self.dialogue = []
        self.answers = {}
        self.failures = []
        self.lock = threading.Lock()
        self.listener = None
        self.start()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(200)
        self.sockets = []
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Refuses connections, and drops those there are."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
            for client in self.sockets:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.sockets.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def answer(self, verb, line, usual):
        """The reply to a command: `answers[verb]` is a text, or asks the line for one."""
        chosen = self.answers.get(verb)
        text = chosen(line) if callable(chosen) else chosen
        return (text or usual).encode() + b"\r\n"

    def serve(self, client):
        try:
            with client, client.makefile("rb") as lines:
                self.session(client, lines)
        except (OSError, ValueError):
            pass
        except Exception as error:
            self.failures.append(repr(error))

    def session(self, client, lines):
        client.sendall(self.answer("CONNECT", b"", "220 sink.test ESMTP"))
        message, parts = None, []
        while True:
            line = lines.readline()
            if not line:
                return
            if not line.endswith(b"\r\n"):
                self.failures.append(f"a command without CRLF: {line!r}")
                return
            text = line[:-2].decode("utf-8", "surrogateescape")
            self.dialogue.append(text)
            verb = text.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                reply = self.answer("EHLO", line, "250-" + "\r\n250-".join(["sink.test"] + self.extensions))
                head, _, last = reply[:-2].rpartition(b"\r\n")
                reply = (head + b"\r\n" if head else b"") + last[:3] + (b" " if last[3:4] == b"-" else last[3:4]) + last[4:] + b"\r\n"
                client.sendall(reply)
            elif verb == "MAIL":
                found = re.match(r"MAIL FROM:<(.*?)>(?: (.*))?$", text)
                reply = self.answer(verb, line, "250 2.1.0 ok")
                if reply[:1] == b"2":
                    message, parts = Received(found[1], (found[2] or "").split()), []
                client.sendall(reply)
            elif verb == "RCPT":
                found = re.match(r"RCPT TO:<(.*?)>(?: (.*))?$", text)
                reply = self.answer(verb, line, "250 2.1.5 ok")
                if reply[:1] == b"2":
                    message.recipients.append((found[1], (found[2] or "").split()))
                client.sendall(reply)
            elif verb == "DATA":
                reply = self.answer(verb, line, "354 go on")
                if message is None or not message.recipients:
                    reply = b"554 5.5.1 no recipients\r\n"
                client.sendall(reply)
                if reply[:1] == b"3":
                    message.content, message.by = self.read_data(lines), "DATA"
                    self.end(client, message)
                    message = None
            elif verb == "BDAT":
                words = text.split(" ")
                parts.append(self.read_exactly(lines, int(words[1])))
                if words[-1].upper() == "LAST":
                    message.content, message.by = b"".join(parts), "BDAT"
                    self.end(client, message)
                    message = None
                else:
                    client.sendall(b"250 2.0.0 chunk\r\n")
            elif verb == "RSET":
                message = None
                client.sendall(b"250 2.0.0 ok\r\n")
            elif verb == "QUIT":
                client.sendall(b"221 2.0.0 bye\r\n")
                return
            else:
                client.sendall(self.answer(verb, line, "250 2.0.0 ok" if verb == "NOOP" else "502 5.5.1 what?"))

    def end(self, client, message):
        reply = self.answer("DOT", message.content, "250 2.0.0 taken")
        with self.lock:
            if reply[:1] == b"2":
                self.messages.append(message)
        client.sendall(reply)

    @staticmethod
    def read_data(lines):
        content = []
        while True:
            line = lines.readline()
            if not line:
                raise OSError("ended within the data")
            # A line ends with CRLF alone; what `readline` splits at a bare LF is joined again.
            while not line.endswith(b"\r\n"):
                more = lines.readline()
                if not more:
                    raise OSError("ended within the data")
                line += more
            if line == b".\r\n":
                return b"".join(content)
            content.append(line[1:] if line.startswith(b".") else line)

    @staticmethod
    def read_exactly(lines, count):
        data = lines.read(count)
        if len(data) != count:
            raise OSError("ended within a chunk")
        return data

    def find(self, mark):
        """The messages that contain `mark`."""
        with self.lock:
            return [message for message in self.messages if mark in message.content]
