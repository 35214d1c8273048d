import Workload

extension DirectEvaluation {
  /// The output of layers that each read the one before: DWPW, PWDW, PWPW and longer chains are compositions, and
  /// nothing else. A fused intermediate is rounded, activated and requantized like any feature map.
  ///
  /// - Parameters:
  ///   - layers: At least one; `parameters` and `orders` have one entry each.
  ///   - inputs: What the first layer reads.
  /// - Throws: As for a single layer, from the first that has no value.
  public static func evaluate(
    _ layers: [Layer], parameters: [LayerParameters], inputs: [TensorValues], orders: [ReductionOrder]? = nil,
    threads: Int = 1
  ) throws(ReferenceError) -> TensorValues {
    precondition(!layers.isEmpty && parameters.count == layers.count)
    let orders = orders ?? Array(repeating: .chain, count: layers.count)
    var values = inputs
    for (index, layer) in layers.enumerated() {
      values = [
        try evaluate(
          layer, parameters: parameters[index], inputs: values, order: orders[index], threads: threads)
      ]
    }
    return values[0]
  }
}
