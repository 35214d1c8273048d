import Hardware
import Workload

extension SimulationParameters {
  /// The defaults of a GPU's undocumented parameters.
  public init(of gpu: GPU) {
    self.init()
    for name in UndocumentedParameter.Name.allCases { set(name, to: gpu.undocumented(name).value) }
  }

  /// Sets a parameter to one of the values that `UndocumentedParameter` allows.
  public mutating func set(_ name: UndocumentedParameter.Name, to value: String) {
    func choice<Choice: RawRepresentable<String>>(_ current: Choice) -> Choice {
      guard let choice = Choice(rawValue: value) else { preconditionFailure("no \(name.rawValue): \(value)") }
      return choice
    }
    func number() -> Int {
      guard let number = Int(value) else { preconditionFailure("no \(name.rawValue): \(value)") }
      return number
    }
    switch name {
    case .stepsPerTurn: stepsPerTurn = number()
    case .carveOutDoubling: carveOutDoubling = Bytes(number())
    case .l1StoreAllocation: l1AllocatesOnStore = value == "yes"
    case .storeMergeLines: storeMergeLines = number()
    case .l2SetHash: l2Hash = choice(l2Hash)
    case .l2Slices: l2Slices = number()
    case .l2Replacement: l2Replacement = choice(l2Replacement)
    case .l2Partitions: l2Partitions = choice(l2Partitions)
    case .l2FetchGranularity: l2FetchGranularity = Bytes(number())
    case .partialWrites: partialWrites = choice(partialWrites)
    case .dramAtom: dramAtom = Bytes(number())
    case .launchReads: launchReads = Bytes(number())
    }
  }
}
