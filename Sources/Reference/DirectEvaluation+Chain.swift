import Workload

extension DirectEvaluation {
  /// The output of layers that each read the one before: DWPW, PWDW, PWPW and longer chains are compositions, and
  /// nothing else. A fused intermediate is rounded, activated and requantized like any feature map. An add at a later
  /// place takes the output of the layer before as that one of its inputs which is `.layer`, and a map of its own as the
  /// other.
  ///
  /// - Parameters:
  ///   - layers: At least one; `parameters` and `orders` have one entry each.
  ///   - inputs: What the first layer reads, then what each later add reads beside the output of the layer before.
  /// - Throws: As for a single layer, from the first that has no value.
  public static func evaluate(
    _ layers: [Layer], parameters: [LayerParameters], inputs: [TensorValues], orders: [ReductionOrder]? = nil,
    threads: Int = 1
  ) throws(ReferenceError) -> TensorValues {
    precondition(!layers.isEmpty && parameters.count == layers.count)
    let orders = orders ?? Array(repeating: .chain, count: layers.count)
    var others = inputs[...]
    var made: [TensorValues] = []
    for (index, layer) in layers.enumerated() {
      var operands = index == 0 ? others.prefix(layer.inputs.count).map(\.self) : made
      others = index == 0 ? others.dropFirst(layer.inputs.count) : others
      if index > 0, layer.operation == .add, let other = others.popFirst() {
        if case .layer = layer.inputs[0] { operands.append(other) } else { operands.insert(other, at: 0) }
      }
      made = [
        try evaluate(
          layer, parameters: parameters[index], inputs: operands, order: orders[index], threads: threads)
      ]
    }
    return made[0]
  }
}
