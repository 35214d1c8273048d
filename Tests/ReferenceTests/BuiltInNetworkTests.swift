import Foundation
import ModelFiles
import Reference
import Testing
import Workload

/// The published networks, in INT8 from synthetic parameters. Xception's FP32 run takes some ten seconds, so it
/// waits for `FUSELAB_LONG_TESTS`.
@Suite struct BuiltInNetworkTests {
  static let names = BuiltIn.networks.filter { name in
    name != "xception" || ProcessInfo.processInfo.environment["FUSELAB_LONG_TESTS"] != nil
  }

  @Test("Every INT8 layer tells right from wrong, and no accumulator can overflow", arguments: names)
  func spread(name: String) throws {
    let network = try #require(BuiltIn.network(named: name))
    let parameters = SyntheticParameters.fp32(for: network, seed: 1)
    let inputs = SyntheticParameters.inputs(of: network, seed: 1)
    let run = try NetworkEvaluation(network, parameters: parameters, inputs: inputs, threads: 2)
    for mode in RequantizationMode.allCases {
      let calibration = Calibration(network, parameters: parameters, run: run, mode: mode)
      let integers = try NetworkEvaluation(
        network, parameters: calibration.parameters, inputs: calibration.quantize(inputs), threads: 2)
      for (index, layer) in network.layers.enumerated() where !layer.isOpaque {
        guard case .int8(let quantized) = calibration.parameters[index],
          case .int8(let output) = integers.outputs[index]
        else {
          Issue.record("\(layer.name) is not INT8")
          continue
        }
        let spread = try ValueSpread(
          of: layer, parameters: quantized, inputs: integers.operands(of: layer), output: output, threads: 2)
        #expect(spread.passes, "\(mode.rawValue) \(layer.name): \(spread)")
        #expect(AccumulatorBound.fits(layer, parameters: quantized))
      }
    }
  }

  @Test("Synthetic values reach both ends of ReLU6")
  func capped() throws {
    let network = try #require(BuiltIn.network(named: "mobilenet_v1"))
    let run = try NetworkEvaluation(
      network, parameters: SyntheticParameters.fp32(for: network, seed: 1),
      inputs: SyntheticParameters.inputs(of: network, seed: 1), threads: 2)
    for (layer, output) in zip(network.layers, run.outputs) where layer.activation == .relu6 {
      guard case .fp32(let values) = output else { continue }
      #expect(values.contains(0), "\(layer.name)")
      #expect(values.contains(6), "\(layer.name)")
    }
  }
}
