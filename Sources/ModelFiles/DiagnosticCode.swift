/// The stable names of everything that can be wrong with a file. A name is never reused; its exit status is
/// what the tool ends with where the finding is an error.
public enum DiagnosticCode: String, Hashable, Sendable, CaseIterable {
  // Reading
  case fileNotFound = "file-not-found"
  case fileUnreadable = "file-unreadable"
  case notARegularFile = "not-a-regular-file"
  case emptyFile = "empty-file"
  case notUTF8 = "not-utf8"
  case limitFileSize = "limit-file-size"
  case limitDepth = "limit-depth"
  case unknownFileType = "unknown-file-type"
  case unknownName = "unknown-name"

  // YAML
  case yamlSyntax = "yaml-syntax"
  case yamlAlias = "yaml-alias"
  case yamlTag = "yaml-tag"
  case yamlDuplicateKey = "yaml-duplicate-key"
  case yamlType = "yaml-type"
  case yamlRange = "yaml-range"
  case unknownKey = "unknown-key"
  case missingKey = "missing-key"
  case unsupportedVersion = "unsupported-version"

  // GPUs
  case gpuInconsistent = "gpu-inconsistent"
  case hardwareSyntax = "hardware-syntax"
  case hardwareAssumption = "hardware-assumption"
  case fusionListSyntax = "fusion-list-syntax"

  // Profiles and measurements
  case csvSyntax = "csv-syntax"
  case ncuHeader = "ncu-header"
  case ncuRow = "ncu-row"
  case ncuNumber = "ncu-number"
  case ncuUnit = "ncu-unit"
  case limitRecord = "limit-record"

  // Results of other commands
  case jsonSyntax = "json-syntax"
  case jsonDuplicateKey = "json-duplicate-key"
  case resultSchema = "result-schema"
  case resultType = "result-type"
  case benchFormat = "bench-format"
  case benchWork = "bench-work"

  // Networks
  case opUnknown = "op-unknown"
  case opUnsupported = "op-unsupported"
  case attributeConflict = "attr-conflict"
  case attributeLength = "attr-length"
  case graphCycle = "graph-cycle"
  case inputUndefined = "input-undefined"
  case inputCount = "input-count"
  case notSSA = "not-ssa"
  case networkEmpty = "network-empty"
  case limitLayers = "limit-layers"
  case shapeMismatch = "shape-mismatch"
  case rankMismatch = "rank-mismatch"
  case groupMismatch = "group-mismatch"
  case dimZero = "dim-zero"
  case dimNegative = "dim-negative"
  case dimUnresolved = "dim-unresolved"
  case dimUnused = "dim-unused"
  case limitDim = "limit-dim"
  case limitTensor = "limit-tensor"
  case limitMultiplyAccumulates = "limit-macs"
  case shapeOverflow = "shape-overflow"
  case strideZero = "stride-zero"
  case padNegative = "pad-negative"
  case padTooLarge = "pad-too-large"
  case emptyOutput = "empty-output"
  case scaleInvalid = "scale-invalid"
  case zeroPointRange = "zero-point-range"

  // model_dag.json
  case dagSyntax = "dag-syntax"
  case dagComment = "dag-comment"
  case dagByteOrderMark = "dag-byte-order-mark"
  case dagNotANumber = "dag-not-a-number"
  case dagTooDeep = "dag-too-deep"
  case dagDuplicateKey = "dag-duplicate-key"
  case dagMissingKey = "dag-missing-key"
  case dagType = "dag-type"
  case dagIdentifiers = "dag-ids"
  case dagLinks = "dag-links"
  case dagShape = "dag-shape"
  case dagStride = "dag-stride"
  case dagAssumption = "dag-assumption"
  case dagUnsupported = "dag-unsupported"
}

extension DiagnosticCode {
  /// 2: the input is wrong. 3: it is right, but beyond what is supported. 4: it passes a limit.
  public var exitStatus: Int32 {
    switch self {
    case .padNegative, .opUnsupported, .dagUnsupported, .unsupportedVersion, .dimUnresolved: 3
    case .limitFileSize, .limitDepth, .limitDim, .limitTensor, .limitMultiplyAccumulates, .limitLayers,
      .limitRecord:
      4
    default: 2
    }
  }
}
