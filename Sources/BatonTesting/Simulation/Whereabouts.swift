/// Where an object is as long as it lives: a weak reference that does not make counting references to it slow.
///
/// The object sets `object` to nil when it goes. For one thread only.
final class Whereabouts<Object: AnyObject> {
    unowned(unsafe) var object: Object?
}
