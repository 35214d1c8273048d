import CKernelEmulator
import Glibc

/// A defect of a kernel: where it showed first, and how often it did on that line.
public struct EmulationFinding: Hashable, Sendable {
  /// What was found, by the emulator's numbers (`emulator_abi.h`).
  public enum Kind: Int32, Hashable, Sendable, CaseIterable {
    case badLaunch = 1
    case globalOutOfBounds, sharedOutOfBounds, misaligned
    case writeAfterWrite, writeAfterRead, readAfterWrite, uninitialisedShared
    case divergentBarrier, divergentWarp
    case writtenTwice, neverWritten, uninitialisedOutput
    case laneDisagreement, stackOverflow, copyNotAwaited, fault
  }

  /// A block of the grid or a thread of its block, as CUDA counts them.
  public struct Index3: Hashable, Sendable {
    public let x, y, z: Int
  }

  public let kind: Kind
  /// The kernel's source; empty where no line is to blame.
  public let file: String
  public let line: Int
  public let block, thread: Index3
  /// Tensor or buffer; nil where none is concerned.
  public let array: String?
  /// Element of the array.
  public let index: Int
  /// Line, block and thread of the access that this one collides with; line 0 where there is none.
  public let otherLine: Int
  public let otherBlock: Index3
  /// Nil where several threads did.
  public let otherThread: Index3?
  public let count: Int

  init?(_ finding: fuselab_finding) {
    guard let kind = Kind(rawValue: finding.kind) else { return nil }
    self.kind = kind
    file = finding.file.map { Self.name(of: String(cString: $0)) } ?? ""
    line = Int(finding.line)
    block = Index3(finding.block)
    thread = Index3(finding.thread)
    array = finding.array.map { String(cString: $0) }
    index = Int(finding.index)
    otherLine = Int(finding.other_line)
    otherBlock = Index3(finding.other_block)
    otherThread = finding.other_thread.0 < 0 ? nil : Index3(finding.other_thread)
    count = Int(finding.count)
  }

  /// The last part of a path.
  private static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

extension EmulationFinding.Index3 {
  fileprivate init(_ index: (Int32, Int32, Int32)) {
    self.init(x: Int(index.0), y: Int(index.1), z: Int(index.2))
  }
}

extension EmulationFinding.Index3: CustomStringConvertible {
  public var description: String { "(\(x),\(y),\(z))" }
}

extension EmulationFinding.Kind {
  /// Stable, for programs.
  public var code: String {
    switch self {
    case .badLaunch: "bad-launch"
    case .globalOutOfBounds: "global-out-of-bounds"
    case .sharedOutOfBounds: "shared-out-of-bounds"
    case .misaligned: "misaligned"
    case .writeAfterWrite: "race-write-write"
    case .writeAfterRead: "race-read-write"
    case .readAfterWrite: "race-write-read"
    case .uninitialisedShared: "uninitialised-shared"
    case .divergentBarrier: "divergent-barrier"
    case .divergentWarp: "divergent-warp"
    case .writtenTwice: "written-twice"
    case .neverWritten: "never-written"
    case .uninitialisedOutput: "uninitialised-output"
    case .laneDisagreement: "lane-disagreement"
    case .stackOverflow: "stack-overflow"
    case .copyNotAwaited: "copy-not-awaited"
    case .fault: "kernel-fault"
    }
  }
}

extension EmulationFinding: CustomStringConvertible {
  public var description: String {
    let place = file.isEmpty ? "" : "\(file):\(line): "
    let what = array.map { "\($0)[\(index)]" } ?? ""
    let who = "block \(block), thread \(thread)"
    let times = count > 1 ? ", \(count) times" : ""
    let other = otherThread.map { "thread \($0)" } ?? "other threads"
    let earlier = otherLine > 0 ? " of \(other) on line \(otherLine)" : ""
    let text =
      switch kind {
      case .badLaunch: "the launch is impossible"
      case .globalOutOfBounds, .sharedOutOfBounds: "\(what) is out of bounds"
      case .misaligned: "\(what) is not aligned to the bytes accessed"
      case .writeAfterWrite: "writes \(what), no barrier after the write\(earlier)"
      case .writeAfterRead: "writes \(what), no barrier after the read\(earlier)"
      case .readAfterWrite: "reads \(what), no barrier after the write\(earlier)"
      case .uninitialisedShared: "reads \(what), which nothing has written"
      case .divergentBarrier:
        "waits at a barrier that \(other) \(otherLine > 0 ? "of line \(otherLine) " : "")does not meet"
      case .divergentWarp: "waits for lanes of its warp that do not come"
      case .writtenTwice: "writes \(what), which block \(otherBlock) writes as well"
      case .neverWritten: "\(count) elements are never written, the first is \(what)"
      case .uninitialisedOutput: "reads \(what), which nothing has written"
      case .laneDisagreement: "the lanes of a warp take different ways, one to line \(otherLine)"
      case .stackOverflow: "the thread's stack overflows"
      case .fault where index == SIGFPE: "divides by zero, or the least number by −1"
      case .fault where index == SIGILL: "comes to an instruction that there is not"
      case .fault: "touches memory that is nobody's"
      case .copyNotAwaited:
        array == nil
          ? "ends without having waited for \(index) asynchronous copies"
          : "touches \(what), the target of an asynchronous copy\(earlier) that was not waited for"
      }
    return kind == .neverWritten ? "\(kind.code): \(text)" : "\(place)\(kind.code): \(text); \(who)\(times)"
  }
}
