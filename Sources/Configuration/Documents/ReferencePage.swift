extension BatonConfiguration {
    /// The text of `docs/CONFIGURATION.md`, from the same schema that checks the file.
    public static var referencePage: String {
        let keys = self.keys.map { $0.description(in: BatonConfiguration()) }
        var page = ReferencePage()
        page.text += ReferencePage.introduction
        page.text += "\n## Top level\n\n"
        page.table(keys, prefix: "")
        for key in keys { page.section(key, prefix: "") }
        return page.text + "\n" + ReferencePage.zoneFormat
    }
}

/// Writes the tables of the reference page.
private struct ReferencePage {
    var text = ""

    static let introduction = """
        <!-- Written from the schema in Sources/Configuration: change it there. -->
        # Configuration

        All of Baton is configured in one YAML file, `/etc/baton/baton.yaml` unless the command line names another.
        [examples/baton.yaml](../examples/baton.yaml) has every key with its default.

        - `baton check FILE` names every mistake with file, line, column and what was expected, and exits with 78. Unknown keys are mistakes.
        - `baton reload`, or SIGHUP, applies a changed file without dropping a connection. A file with a mistake changes nothing. Keys marked *restart* keep their old value until the next start, and the reload names them; a file whose other keys make no sense beside those old values changes nothing either.
        - **Durations** have a unit: `30s`, `5m`, `4h`, `5d`, `1h30m`. **Sizes** are octets or have one: `512B`, `256KiB`, `50MiB`, `10MB`. **Networks** are in CIDR form. A list with one element may be written without brackets.
        - **Paths** that are not absolute count from the folder of the file.
        - Text that YAML would read otherwise needs quotes: `":25"`, `"*"`, `"*.example.org"`, `"[::1]:25"`.

        ## How a message finds its way
        1. A client in `relayNetworks` may send to anybody. Everybody may send to `domains` and `relayDomains`.
        2. A recipient in one of `domains` must be a mailbox, an alias or caught by `catchAll`; otherwise it is refused at RCPT. Its mail goes by the domain's `route`.
        3. All other mail goes by the first of `rules` that fits, or by `mx`.

        A configuration that would let strangers send to anybody is refused, with the key that opens it: a wide public network in `relayNetworks`, or in `proxyProtocol` or `xclient` of a listener that can be reached from elsewhere, or a top-level pattern in `relayDomains`.

        """

    static let zoneFormat = """
        ## The zone file
        `dns.zone` names a JSON file that stands in for all of DNS, for tests and demonstrations:
        ```json
        {
          "example.org": {"MX": ["10 mx.example.org"], "TXT": ["v=spf1 mx -all"]},
          "mx.example.org": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"], "secure": true},
          "_25._tcp.mx.example.org": {"TLSA": ["3 1 1 ab12"], "secure": true},
          "alias.example.org": {"CNAME": ["mx.example.org"], "delay": 0.2},
          "broken.example.org": {"A": ["192.0.2.2"], "rcode": "SERVFAIL"},
          "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
          "text.example.org": ["a plain list means TXT"]
        }
        ```
        Names are in lower case without a final dot. A name that is not there does not exist (NXDOMAIN); a type that is not there has an empty answer. `rcode` (`NXDOMAIN`, `SERVFAIL` or `TIMEOUT`) is the answer for the types that are not listed. `secure` makes the answers DNSSEC-proven, `bogus` makes them fail validation, `delay` is how many seconds they take. CNAMEs are followed. `MX: ["0 ."]` is the null MX of RFC 7505.

        """

    mutating func section(_ key: KeyDescription, prefix: String) {
        guard let inner = key.inner else { return }
        let path = prefix + key.name + inner.suffix
        text += "\n## \(path.replacing(".NAME", with: ".*NAME*"))\n\n"
        text += key.meaning + "\n\n"
        if !inner.introduction.isEmpty, inner.introduction != key.meaning { text += inner.introduction + "\n\n" }
        table(inner.keys, prefix: "")
        for nested in inner.keys { section(nested, prefix: path + ".") }
    }

    mutating func table(_ keys: [KeyDescription], prefix: String) {
        text += "| Key | Type | Default | Change | Meaning |\n|---|---|---|---|---|\n"
        for key in keys {
            let isSection = key.inner != nil && key.typeName == "section"
            let value = key.isRequired ? "**required**" : key.defaultText.map { "`\($0)`" } ?? (isSection ? "see below" : "none")
            let reference = key.reference.map { " (\($0))" } ?? ""
            text += "| `\(key.name)` | \(key.typeName) | \(value) | \(isSection ? "" : key.effect.rawValue) | "
            text += (key.meaning + reference).replacing("|", with: "\\|") + " |\n"
        }
    }
}
