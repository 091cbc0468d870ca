import Events
import MessageFormat

/// Recipients of a message that share a destination.
struct RecipientGroup {
    let destination: DestinationKey
    /// The host of the first of them.
    let host: MailHost
    var recipients: [UInt16]

    /// The recipients that have to be tried, by destination.
    static func groups(of envelope: Envelope, by routes: any RouteTable) -> [RecipientGroup] {
        if envelope.recipients.count == 1, let recipient = envelope.recipients.first, !recipient.isExpanded {
            let host = recipient.address.host
            return [RecipientGroup(destination: routes.destination(for: host, from: envelope.reversePath), host: host,
                                   recipients: [0])]
        }
        var groups: [RecipientGroup] = []
        var places: [DestinationKey: Int] = [:]
        for (index, recipient) in envelope.recipients.enumerated() where !recipient.isExpanded {
            let host = recipient.address.host
            let destination = routes.destination(for: host, from: envelope.reversePath)
            let number = UInt16(truncatingIfNeeded: index)
            if let place = places[destination] {
                groups[place].recipients.append(number)
            } else {
                places[destination] = groups.count
                groups.append(RecipientGroup(destination: destination, host: host, recipients: [number]))
            }
        }
        return groups
    }
}
