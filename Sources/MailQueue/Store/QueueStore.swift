import Events
import Ports

/// Where several nodes keep one queue; `docs/CLUSTER.md` says who may do what when.
///
/// Callable from any loop. Every call is answered once, on the loop given, never within the call. Each call is all or
/// nothing, and all calls appear to happen one after the other.
public protocol QueueStore: AnyObject, Sendable {
    /// Gives a process that begins a number that no run of any process had before.
    func join(on loop: any Loop, completion: @escaping @Sendable (Result<NodeID, StoreError>) -> Void)

    /// Keeps new messages with their entries, durably; needs no lease.
    func append(_ group: StoreGroup, on loop: any Loop, completion: @escaping @Sendable (Result<StorePosition, StoreError>) -> Void)

    /// Leases places that have entries and that no node has.
    func claim(_ claim: PlaceClaim, on loop: any Loop, completion: @escaping @Sendable (Result<ClaimAnswer, StoreError>) -> Void)

    /// Prolongs leases that have not expired to `duration` from now, and answers which.
    func renew(_ leases: [PlaceLease], for duration: Duration, on loop: any Loop,
               completion: @escaping @Sendable (Result<[PlaceLease], StoreError>) -> Void)

    /// Gives leases back; those that are over are passed over.
    func release(_ leases: [PlaceLease], on loop: any Loop, completion: @escaping @Sendable (Result<Void, StoreError>) -> Void)

    /// Reads what was put or changed at leased places after a position each, at most `limit` entries in all.
    func entries(at reads: [PlaceRead], limit: Int, on loop: any Loop,
                 completion: @escaping @Sendable (Result<[PlacePage], StoreError>) -> Void)

    /// Changes one entry and keeps what follows from it, durably, unless a newer fence was given for its place.
    func settle(_ settlement: Settlement, on loop: any Loop,
                completion: @escaping @Sendable (Result<StorePosition, StoreError>) -> Void)

    /// Reads the message of an entry; its body only up to `maxBody` octets.
    func message(of entry: EntryName, maxBody: Int, on loop: any Loop,
                 completion: @escaping @Sendable (Result<KeptContent, StoreError>) -> Void)

    /// Reads a part of a body: 0 and up those that were put ahead, then the one that came with the message.
    func body(_ message: QueueID, part: Int, on loop: any Loop, completion: @escaping @Sendable (Result<[UInt8], StoreError>) -> Void)

    /// Puts a part of a large body ahead of its message; the same part again changes nothing.
    func putPart(_ message: QueueID, index: UInt32, _ bytes: [UInt8], on loop: any Loop,
                 completion: @escaping @Sendable (Result<Void, StoreError>) -> Void)

    /// Forgets the parts of a message that will never be appended.
    func abandon(_ message: QueueID)

    /// Reads what happened after a position, in the order in which it was committed; for readers.
    func events(after position: StorePosition, limit: Int, on loop: any Loop,
                completion: @escaping @Sendable (Result<EventPage, StoreError>) -> Void)
}

/// Why a store did not do what it was asked.
public enum StoreError: Error, Hashable, Sendable {
    /// It did nothing.
    case unavailable
    /// No answer in time: it may have done it, or may still do it.
    case unknown
    /// It has no room.
    case full
    /// The lease is over: a newer fence was given for the place.
    case fenced
    /// There is no such entry or message at that place.
    case gone
}
