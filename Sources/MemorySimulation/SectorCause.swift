import Workload

/// Why a sector moves from one level of the hierarchy to the next. Each move has exactly one cause.
public enum SectorCause: UInt8, Hashable, Sendable, CaseIterable {
  /// Requests: no block before touched the sector. DRAM: the sector's first trip for which there was a request.
  case compulsory
  /// A neighbouring tile read some of the same bytes: windows overlap.
  case halo
  /// Another tile of output channels, another spatial tile or another pass of the same block read them.
  case reread
  /// They are read again only because a fused intermediate is computed more than once.
  case recompute
  /// The sector moves for bytes that no one asked for: a request wants only bytes of the sector that none before it
  /// touched; or DRAM gives a whole granule or atom.
  case overfetch
  /// The level above (below, for write-backs) had the sector and lost it.
  case eviction
  /// Stores write the sector piece by piece; reads complete pieces that were written.
  case writeMerge

  /// The word of reports.
  public var name: String {
    switch self {
    case .compulsory: "compulsory"
    case .halo: "halo"
    case .reread: "re-read"
    case .recompute: "recompute"
    case .overfetch: "overfetch"
    case .eviction: "eviction"
    case .writeMerge: "write merge"
    }
  }
}

/// Sectors by cause.
public struct CauseCounts: Hashable, Sendable {
  var lanes = SIMD8<Int>()

  public static var zero: Self { Self() }

  public internal(set) subscript(cause: SectorCause) -> Int {
    @inline(__always) get { lanes[Int(cause.rawValue)] }
    @inline(__always) set { lanes[Int(cause.rawValue)] = newValue }
  }

  public var total: Int { lanes.wrappedSum() }

  public static func + (a: Self, b: Self) -> Self { Self(lanes: a.lanes &+ b.lanes) }
  static func += (a: inout Self, b: Self) { a.lanes &+= b.lanes }
}
