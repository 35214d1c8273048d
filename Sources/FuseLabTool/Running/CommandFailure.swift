import Comparison
import CostModel
import Fusion
import Hardware
import KernelEmulator
import KernelSources
import ModelFiles
import Reference
import Rendering
import ScheduleExecution
import Scheduling
import Workload

/// Why a command ended without a result: printed as `error[code]: message` with the remedy below.
struct CommandFailure: Error, Hashable, Sendable {
  /// Kebab-case, stable, never reused.
  let code: String
  /// What is wrong, without a full stop.
  let message: String
  let exit: ExitStatus
  /// How to mend it.
  let remedy: String?

  init(_ code: String, _ message: String, exit: ExitStatus = .invalid, remedy: String? = nil) {
    self.code = code
    self.message = message
    self.exit = exit
    self.remedy = remedy
  }

  /// A wrong command line.
  static func usage(_ message: String, remedy: String? = nil) -> CommandFailure {
    CommandFailure("usage", message, remedy: remedy)
  }
}

/// Errors of the modules that carry a stable code and whole sentences.
protocol CodedError: Error, CustomStringConvertible {
  var code: String { get }
}

extension ShapeError: CodedError {}
extension NetworkError: CodedError {}
extension GPUError: CodedError {}
extension ScheduleError: CodedError {}
extension GraphvizError: CodedError {}
extension ReferenceError: CodedError {}
extension ExecutionError: CodedError {}
extension KernelError: CodedError {}
extension KernelBuildError: CodedError {}
extension ProfileError: CodedError {}
extension TimeFitError: CodedError {}
extension DifferenceError: CodedError {}

extension CommandFailure {
  init(_ error: some CodedError) {
    let known = DiagnosticCode(rawValue: error.code)?.exitStatus
    let lacks = ["cuda-", "nvrtc-"].contains { error.code.hasPrefix($0) }
    let status: ExitStatus = error.code.hasPrefix("limit-") ? .limit : lacks ? .unsupported : .invalid
    let text = String(describing: error)
    self.init(
      error.code, text.hasSuffix(".") ? String(text.dropLast()) : text,
      exit: known.flatMap(ExitStatus.init(rawValue:)) ?? status)
  }
}
