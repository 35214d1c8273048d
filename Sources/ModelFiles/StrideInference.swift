/// Stride and padding of one axis, found from its sizes: `model_dag.json` has no padding, and its stride is
/// ⌊input ÷ output⌋, which is wrong for example for 109 → 55.
struct StrideInference: Hashable {
  let stride: Int
  let usesSame: Bool

  /// - Parameters:
  ///   - input: the input's extent, with explicit padding where a `pad` node stands before the layer.
  ///   - declared: the file's stride, taken if it fits; else the smallest that does.
  ///   - isPadded: whether a `pad` node stands before the layer; then no padding is preferred, else SAME.
  /// - Returns: nil where no stride gives `output`.
  init?(input: Int, output: Int, window: Int, declared: Int?, isPadded: Bool) {
    var candidates: [Int] = []
    if let declared { candidates.append(declared) }
    let same = (input + output - 1) / output
    // The smallest stride for which ⌊(input − window) ÷ stride⌋ < output.
    let valid = input >= window ? (input - window) / output + 1 : same
    candidates += [min(same, valid), max(same, valid)]
    for stride in candidates {
      let bySame = (input + stride - 1) / stride == output
      let byValid = input >= window && (input - window) / stride + 1 == output
      if bySame || byValid {
        self.stride = stride
        usesSame = isPadded ? !byValid : bySame
        return
      }
    }
    return nil
  }
}
