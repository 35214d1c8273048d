import Foundation
import ModelFiles
import Testing
import Workload

/// The files that FusePlanner's authors published, if `FUSELAB_TEST_DATA` names the folder that has them.
private let fusePlannerFolder: String? = {
  guard let data = ProcessInfo.processInfo.environment["FUSELAB_TEST_DATA"] else { return nil }
  return data + "/fuseplanner"
}()

@Suite(.enabled(if: fusePlannerFolder != nil, "set FUSELAB_TEST_DATA to the folder with fuseplanner/"))
struct PublishedDataTests {
  private func load(_ name: String) throws -> LoadedNetwork {
    try ModelSource.load(try #require(fusePlannerFolder) + "/\(name).json")
  }

  @Test("The published MobileNets have the work of the built-in ones")
  func mobileNets() throws {
    for (file, builtIn) in [("mob_v1", "mobilenet_v1"), ("mob_v2", "mobilenet_v2")] {
      let loaded = try load(file)
      let expected = try #require(BuiltIn.network(named: builtIn))
      #expect(loaded.network.multiplyAccumulates == expected.multiplyAccumulates)
      #expect(loaded.network.parameterCount == expected.parameterCount)
      let convolutions = loaded.network.layers.filter(\.hasWeights)
      #expect(convolutions.map(\.shape) == expected.layers.filter(\.hasWeights).map(\.shape))
      #expect(convolutions.map(\.activation) == expected.layers.filter(\.hasWeights).map(\.activation))
    }
  }

  @Test("Pads are folded, the ids of all other nodes stay reachable")
  func identifiers() throws {
    for (file, count, pads) in [("mob_v1", 40, 4), ("mob_v2", 71, 4), ("gprox_3", 57, 0), ("xce_r", 106, 0)] {
      let dag = try #require(try load(file).dag)
      #expect(dag.nodes.count == count)
      #expect(dag.network.layers.count == count - pads)
      for id in dag.nodes.indices {
        guard let layer = dag.layer(ofNode: id) else { continue }
        #expect(dag.network.layers[layer].name == "\(dag.operatorNames[id])_\(id)")
        #expect(dag.node(ofLayer: layer) == id)
      }
    }
  }

  @Test("Xception's stride of 109 → 55 is 2 where the file says 1, and a warning says so")
  func strides() throws {
    let loaded = try load("xce_r")
    let strides = loaded.warnings.filter { $0.code == .dagStride }
    #expect(strides.count == 2)
    let layer = try #require(loaded.network.layers.first { $0.name == "conv_2d_8" })
    #expect(layer.shape.rows.stride == 2)
    #expect(layer.shape.rows.outputExtent == 55)
    let second = try #require(loaded.network.layers.first { $0.name == "conv_2d_2" })
    #expect(second.shape.rows.paddingBefore == 0)
    let pool = try #require(loaded.network.layers.first { $0.name == "max_pool_2d_7" })
    #expect(pool.kind == .maxpool)
    #expect(loaded.warnings.contains { $0.message.contains("4 max pools") })
  }

  @Test("A fully connected layer without shapes takes them from its neighbours")
  func fullyConnected() throws {
    for (file, name, channels) in [
      ("xce_r", "fully_connected_103", 2048), ("gprox_3", "fully_connected_54", 1280),
    ] {
      let layer = try #require(try load(file).network.layers.first { $0.name == name })
      #expect(layer.kind == .fc)
      #expect(layer.shape.inputChannels == channels)
      #expect(layer.shape.outputChannels == 1000)
    }
  }

  @Test("Writing a published file and reading it again changes nothing")
  func roundTrip() throws {
    for file in ["mob_v1", "mob_v2", "gprox_3", "xce_r"] {
      let dag = try #require(try load(file).dag)
      let again = try ModelDAG.parse(text: dag.text(), path: "x.json", name: file)
      #expect(again.network == dag.network)
      #expect(again.nodes == dag.nodes)
      #expect(again.inputQuantization == dag.inputQuantization)
      #expect(again.outputQuantization == dag.outputQuantization)
      let yaml = NetworkFile(network: dag.network)
      #expect(try NetworkFile.parse(text: yaml.print(), path: "x.yaml").network == dag.network)
    }
  }

  @Test("The published GPU files are recognised; the A4000's 96 multiprocessors draw a warning")
  func gpus() throws {
    let folder = try #require(fusePlannerFolder) + "/hw"
    for (file, base, warnings) in [
      ("gtx1660", "gtx1660", 1), ("orin", "agx_orin", 1), ("rtxa4000", "rtx_a4000", 2),
    ] {
      let path = "\(folder)/\(file).cfg"
      let imported = try FusePlannerGPU.parse(text: try FileReader.text(at: path), path: path)
      #expect(imported.base == base)
      #expect(imported.warnings.count == warnings)
      #expect(try GPUSource.load(path).gpu == imported.gpu)
    }
  }
}
