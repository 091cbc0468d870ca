extension Scheduler {
    /// The site that a destination goes to, where that is known at this moment.
    func knownSite(of destination: DestinationKey) -> SiteKey? {
        guard let index = destinationIndex[destination], isUsable(index), destinations[index].state == .resolved,
              destinations[index].site != .none else { return nil }
        return sites[destinations[index].site].key
    }
}
