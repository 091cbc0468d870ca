import Ports

/// How well a simulated network works at the moment; each connection draws its fate when it is made.
public struct NetworkWeather: Sendable {
    /// Time for a packet from one end to the other.
    public var latency: ClosedRange<Duration> = .microseconds(50)...(.milliseconds(40))
    /// Connections that are refused although somebody listens.
    public var refused = 0.0
    /// Connections that get no answer.
    public var unanswered = 0.0
    /// Connections that break after a random number of bytes.
    public var reset = 0.0
    /// Connections that go silent, for both ends, after a random number of bytes.
    public var halfOpen = 0.0
    /// Connections that carry some part of their bytes one at a time.
    public var byteWise = 0.0
    /// Connections that are slow: each piece takes seconds.
    public var tarpit = 0.0
    /// Connections whose TLS handshake fails.
    public var failedHandshake = 0.0
    /// Connections that go silent in the TLS handshake.
    public var hungHandshake = 0.0

    /// A network without faults.
    public init() {}

    /// The same, each fault as often, half or a quarter as often as in the worst of storms: different histories for different dice.
    public static func storm(_ random: SeededRandom) -> NetworkWeather {
        var weather = storm
        for fault in [\NetworkWeather.refused, \.unanswered, \.reset, \.halfOpen, \.byteWise, \.tarpit, \.failedHandshake, \.hungHandshake] {
            weather[keyPath: fault] *= random.element(of: [1, 0.5, 0.25])
        }
        return weather
    }

    /// A network in which everything goes wrong now and then.
    public static var storm: NetworkWeather {
        var weather = NetworkWeather()
        weather.refused = 0.03
        weather.unanswered = 0.02
        weather.reset = 0.06
        weather.halfOpen = 0.03
        weather.byteWise = 0.05
        weather.tarpit = 0.03
        weather.failedHandshake = 0.1
        weather.hungHandshake = 0.03
        return weather
    }
}

/// What happens to one direction of a connection.
struct LinkFate {
    var latency: ClosedRange<Duration>
    /// Bytes after which the connection breaks.
    var resetAfter: Int?
    /// Bytes after which nothing arrives any more.
    var silentAfter: Int?
    /// The bytes of the stream that arrive one at a time.
    var byteWise: Range<Int>?
    var pauseBetweenPieces = Duration.zero
    var handshake = SimulatedHandshakeFate.works

    init(_ weather: NetworkWeather, _ random: SeededRandom) {
        latency = weather.latency
        // Half of the breaks come within the dialog, half somewhere in the message.
        func somewhere() -> Int { random.chance(0.5) ? random.number(in: 0...400) : random.number(in: 0...20_000) }
        if random.chance(weather.reset) { resetAfter = somewhere() }
        if random.chance(weather.halfOpen) { silentAfter = somewhere() }
        if random.chance(weather.byteWise) {
            let start = random.chance(0.3) ? 0 : random.number(in: 0...600)
            byteWise = start..<(start + 60)
        }
        if random.chance(weather.tarpit) { pauseBetweenPieces = random.duration(in: .seconds(1)...(.seconds(20))) }
        // Drawn only where it can happen, so that seeds of worlds without TLS keep their history.
        if weather.failedHandshake > 0, random.chance(weather.failedHandshake) { handshake = .fails }
        if weather.hungHandshake > 0, random.chance(weather.hungHandshake) { handshake = .hangs }
    }
}
