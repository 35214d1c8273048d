import Foundation
import Reference
import Testing
import Workload

/// A trained INT8 MobileNetV2 on one image, each layer from our own value of the layer before it, against the
/// hashes of what the runtimes give for every tensor.
@Suite(
  .enabled(
    if: PythonRun.interpreter != nil && PythonRun.mobileNetV2 != nil,
    "set FUSELAB_PYTHON to a Python with numpy, onnx, and FUSELAB_TEST_DATA to the folder of the test data"))
struct TrainedNetworkTests {
  @Test(
    "Every layer of MobileNetV2 equals the runtime's, byte for byte",
    arguments: [(RequantizationMode.onnx, "xnnpack_and_ort"), (.tflite, "litert_reference")])
  func layers(mode: RequantizationMode, column: String) throws {
    let data = try #require(PythonRun.mobileNetV2)
    try PythonRun.withTemporaryFolder { folder in
      try PythonRun.run("mobilenet_v2_layers.py", "layers", data, folder.path)
      let file = try JSONDecoder().decode(
        RuntimeCases.self, from: try Data(contentsOf: folder.appending(path: "cases.json")))
      let blob = try Data(contentsOf: folder.appending(path: "blob.bin"))
      var tensors: [String: [Int8]] = [:]
      for layer in file.cases {
        let name = try #require(layer.name)
        let values = try value(of: layer, tensors: tensors, blob: blob, mode: mode)
        tensors[name] = values
        try Data(values.map { UInt8(bitPattern: $0) }).write(to: folder.appending(path: name + ".bin"))
      }
      try PythonRun.run("mobilenet_v2_layers.py", "check", data, folder.path, column)
      let wrong = try String(contentsOf: folder.appending(path: "wrong.txt"), encoding: .utf8)
      #expect(wrong.isEmpty, "\(mode.rawValue): \(wrong.split(separator: "\n"))")
      print("MobileNetV2, \(mode.rawValue): \(tensors.count) tensors compared")
    }
  }

  private func value(
    of layer: RuntimeCase, tensors: [String: [Int8]], blob: Data, mode: RequantizationMode
  ) throws -> [Int8] {
    guard let reads = layer.reads else { return blob.elements(try #require(layer.y)) }
    let inputs = try reads.map { TensorValues.int8(try #require(tensors[$0])) }
    let output = try DirectEvaluation.evaluate(
      try layer.layer(), parameters: .int8(try layer.quantizedParameters(blob, mode: mode)), inputs: inputs,
      threads: 2)
    guard case .int8(let values) = output else { return [] }
    return values
  }
}
