import Accounts
import ArgumentParser
import Control
import Cryptography
import Glibc
import SMTP

/// Where a new password comes from; never from the command line, which every process can read.
struct PasswordOptions: ParsableArguments {
    @Flag(help: "Let Baton make the password, and print it once.")
    var generate = false

    /// The longest password.
    private static let maxOctets = 1024

    /// The password, and whether it was made here.
    func read() throws -> (secret: Secret, isGenerated: Bool) {
        if generate { return (GeneratedPassword.make(.system), true) }
        if isatty(STDIN_FILENO) == 0 { return (try check(readLine(strippingNewline: true)), false) }
        let first = try PasswordOptions.prompt("Password: ")
        guard try PasswordOptions.prompt("Again: ") == first else { throw ValidationError("the passwords are not the same") }
        return (try check(first), false)
    }

    private func check(_ text: String?) throws -> Secret {
        guard let text, !text.isEmpty else { throw ValidationError("no password was given") }
        guard text.utf8.count <= PasswordOptions.maxOctets, !text.utf8.contains(0) else { throw ValidationError("the password is too long or holds a NUL") }
        return Secret(text)
    }

    private static func prompt(_ text: String) throws -> String {
        show(text)
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { throw ValidationError("the terminal does not work") }
        var silent = saved
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved)
            show("\n")
        }
        return readLine(strippingNewline: true) ?? ""
    }

    /// Writes to the terminal beside what the command prints.
    private static func show(_ text: String) {
        let octets = Array(text.utf8)
        _ = write(STDERR_FILENO, octets, octets.count)
    }

    /// Prints a password that was made here.
    static func tell(_ secret: Secret, of name: AccountName, _ options: AccountOptions) {
        let text = String(decoding: secret.octets, as: UTF8.self)
        options.tell(["name": name.description, "password": text], text)
    }
}
