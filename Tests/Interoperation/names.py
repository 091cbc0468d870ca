"""A DNS server on loopback that answers from a zone of Baton's format, for programs that must ask somebody."""
import socket
import threading


class Names:
    """Serves `zone` over UDP at `port`; names that are not there do not exist."""

    def __init__(self, port, zone):
        import dns.flags
        import dns.message
        self.port, self.zone = port, zone
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.socket.close()

    def serve(self):
        while True:
            try:
                octets, client = self.socket.recvfrom(4096)
            except OSError:
                return
            reply = self.answer(octets)
            if reply:
                self.socket.sendto(reply, client)

    def answer(self, octets):
        import dns.exception
        import dns.flags
        import dns.message
        import dns.rcode
        import dns.rdatatype
        import dns.rrset
        try:
            query = dns.message.from_wire(octets)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        reply = dns.message.make_response(query, recursion_available=True)
        entry = self.zone.get(name)
        if isinstance(entry, list):
            entry = {"TXT": entry}
        records = (entry or {}).get(kind)
        if records:
            if kind == "TXT":
                # Strings of 255 octets at most.
                records = [" ".join('"' + text[at:at + 255].replace("\\", "\\\\").replace('"', '\\"') + '"' for at in range(0, len(text), 255))
                           for text in records]
            if kind in ("MX", "PTR"):
                records = [text + "." for text in records]
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        elif entry is not None and "rcode" in entry:
            if entry["rcode"] == "TIMEOUT":
                return None
            reply.set_rcode(dns.rcode.from_text(entry["rcode"]))
        elif entry is None and not any(other.endswith("." + name) for other in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=65535)
