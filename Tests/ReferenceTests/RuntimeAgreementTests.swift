import Foundation
import Reference
import Testing
import Workload

/// Random layers against ONNX Runtime, and TFLite mode against independent numpy code.
@Suite(
  .enabled(if: PythonRun.interpreter != nil, "set FUSELAB_PYTHON to a Python with numpy, onnx, onnxruntime"))
struct RuntimeAgreementTests {
  @Test(
    "Random layers equal ONNX Runtime byte for byte in INT8, and bit for bit in FP32 where its order is known"
  )
  func randomLayers() throws {
    try PythonRun.withTemporaryFolder { folder in
      try PythonRun.run("onnxruntime_cases.py", folder.path)
      let file = try JSONDecoder().decode(
        RuntimeCases.self, from: try Data(contentsOf: folder.appending(path: "cases.json")))
      let blob = try Data(contentsOf: folder.appending(path: "blob.bin"))
      #expect(file.cases.count >= 200)
      try compare(file.cases, blob: blob, version: file.onnxruntime)
    }
  }

  private func compare(_ cases: [RuntimeCase], blob: Data, version: String) throws {
    // ONNX Runtime's kernels without VNNI may saturate, and its FP32 blocks are those of AVX-512.
    let exactIntegers = PythonRun.processorHas(any: "avx512_vnni", "avx_vnni")
    let exactFloats = PythonRun.processorHas(any: "avx512f")
    if !exactIntegers { print("ONNX Runtime's INT8 kernels may saturate on this host: not compared") }
    var equal: [String: Int] = [:]
    var worst: Float = 0
    for runtimeCase in cases {
      if runtimeCase.mode == "fp32" {
        let (bits, ulps) = try compareFloats(runtimeCase, blob)
        worst = max(worst, ulps)
        #expect(ulps <= 8)
        if exactFloats, runtimeCase.order != "bound" {
          #expect(bits, "\(runtimeCase.kind) \(runtimeCase.shape) differs from \(version)")
        }
        if bits { equal["fp32 \(runtimeCase.kind)", default: 0] += 1 }
      } else if exactIntegers || runtimeCase.mode == "tflite" {
        let bytes = try compareIntegers(runtimeCase, blob)
        #expect(bytes, "\(runtimeCase.mode) \(runtimeCase.kind) \(runtimeCase.shape)")
        if bytes { equal["\(runtimeCase.mode) \(runtimeCase.kind)", default: 0] += 1 }
      }
    }
    let counts = equal.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    print("equal to ONNX Runtime \(version) or numpy: \(counts); FP32 within \(worst) ulp of Σ|w·x|")
  }

  private func compareIntegers(_ runtimeCase: RuntimeCase, _ blob: Data) throws -> Bool {
    let layer = try runtimeCase.layer()
    let output = try DirectEvaluation.evaluate(
      layer, parameters: .int8(try runtimeCase.quantizedParameters(blob)),
      inputs: try #require(runtimeCase.x).map { .int8(blob.elements($0)) }, threads: 2)
    return output.firstDifference(from: .int8(blob.elements(try #require(runtimeCase.y)))) == nil
  }

  /// Whether every bit agrees, and the largest difference in units in the last place of `Σ|w·x|`.
  private func compareFloats(_ runtimeCase: RuntimeCase, _ blob: Data) throws -> (Bool, Float) {
    let layer = try runtimeCase.layer()
    let weights: [Float] = blob.elements(try #require(runtimeCase.w))
    let bias: [Float] = blob.elements(try #require(runtimeCase.b))
    let input: [Float] = blob.elements(try #require(runtimeCase.x)[0])
    let expected: [Float] = blob.elements(try #require(runtimeCase.y))
    let preset = runtimeCase.order.flatMap(ReductionPreset.init) ?? .chain
    let output = try DirectEvaluation.evaluate(
      layer, parameters: .fp32(weights: weights, bias: bias), inputs: [.fp32(input)],
      order: preset.order(for: layer), threads: 2)
    let sizes = try DirectEvaluation.evaluate(
      layer, parameters: .fp32(weights: weights.map(\.magnitude), bias: bias.map(\.magnitude)),
      inputs: [.fp32(input.map(\.magnitude))], threads: 2)
    guard case .fp32(let values) = output, case .fp32(let scale) = sizes, values.count == expected.count
    else { return (false, .infinity) }
    let worst = values.indices.map { abs(values[$0] - expected[$0]) / scale[$0].ulp }.max() ?? 0
    return (output.firstDifference(from: .fp32(expected)) == nil, worst)
  }
}
