import CUDAKernels
import Foundation
import KernelSources
import Reference
import TestSupport
import Testing
import Workload

/// The whole way of a kernel to a GPU and back, with a stub in place of the GPU.
@Suite(.serialized) struct DeviceKernelTests {
  private static let noCache = KernelCache(folder: nil)

  private func example(_ index: Int, seed: UInt64 = 11) throws -> RandomCase {
    var seed = seed
    while true {
      var generator = RandomCaseGenerator(seed: seed)
      let example = try generator.draw(kinds[index].stages)
      if example.schedule.kind.description == kinds[index].name { return example }
      seed += 1_000_003
    }
  }

  private func kernel(_ example: RandomCase, _ gpu: StubGPU, cache: KernelCache = noCache) throws
    -> DeviceKernel
  {
    try DeviceKernel(
      KernelJob(example.schedule, parameters: example.parameters, inputs: example.inputs), on: gpu.device,
      compiler: gpu.compiler, cache: cache)
  }

  /// The output of one kernel on its own.
  private func values(of kernel: DeviceKernel, _ example: RandomCase) throws -> TensorValues {
    guard case .bytes(let bytes) = try DeviceSequence([kernel]).output() else { throw NoOutput() }
    return OperandBytes.output(bytes, of: example.schedule.chain)
  }

  private struct NoOutput: Error {}

  private func reference(_ example: RandomCase) throws -> TensorValues {
    try DirectEvaluation.evaluate(
      example.schedule.chain.stages, parameters: example.parameters, inputs: example.inputs)
  }

  @Test("A kernel of each kind comes back with the reference's bits", arguments: kinds.indices)
  func ofEachKind(_ index: Int) throws {
    let example = try example(index)
    let found = try values(of: kernel(example, StubGPU()), example)
    #expect(try reference(example).firstDifference(from: found) == nil, "\(example.description)")
  }

  @Test("A wrong bit, and a write beside the output, are seen")
  func defects() throws {
    let example = try example(0)
    let kernel = try kernel(example, StubGPU())
    let expected = try reference(example)
    let wrong = try StubGPU.with(fault: "bit") { try values(of: kernel, example) }
    // The stub spoils the fourth byte.
    #expect(expected.firstDifference(from: wrong) == 3 / expected.elementType.bytes)
    let outside = try StubGPU.with(fault: "outside") { try DeviceSequence([kernel]).output() }
    #expect(outside == .wroteOutside)
    let missing = try StubGPU.with(fault: "nothing") { try DeviceSequence([kernel]).output() }
    #expect(missing == .unwritten(byte: 0))
  }

  @Test("A compiled kernel is kept, and a spoilt file is made anew")
  func cache() throws {
    let folder = try TemporaryFolder()
    let cache = KernelCache(folder: folder.url.appendingPathComponent("a/b").path)
    let example = try example(1)
    let gpu = try StubGPU()
    _ = try kernel(example, gpu, cache: cache)
    func files() throws -> [URL] {
      try FileManager.default.contentsOfDirectory(
        at: folder.url.appendingPathComponent("a/b"), includingPropertiesForKeys: nil)
    }
    let file = try #require(try files().first)
    #expect(try files().count == 1)
    #expect(file.lastPathComponent.count == 64)
    let whole = try Data(contentsOf: file)
    try whole.dropLast(9).write(to: file)
    let found = try values(of: kernel(example, gpu, cache: cache), example)
    #expect(try reference(example).firstDifference(from: found) == nil)
    // Compiled again, to the same length; a linker may stamp what it makes.
    #expect(try Data(contentsOf: file).count == whole.count)
    _ = try kernel(try self.example(1, seed: 5), gpu, cache: cache)
    #expect(try files().count == 2)
  }

  @Test("A sequence is timed cold on copies that exceed the cache, warm on one")
  func timing() throws {
    let example = try example(2)
    let sequence = try DeviceSequence([kernel(example, StubGPU())])
    let warm = try sequence.time(TimingMethod(l2: .warm, warmUps: 1, runs: 3))
    #expect(warm.copies == 1)
    #expect(warm.passes == 20)
    #expect(warm.microseconds.count == 3)
    #expect(warm.minimum > 0 && warm.minimum <= warm.median && warm.median <= warm.maximum)
    let cold = try sequence.time(TimingMethod(l2: .cold, warmUps: 0, runs: 1))
    #expect(cold.copies >= 3 && cold.passes % cold.copies == 0)
  }

  @Test("What is missing or fails is said in words")
  func failures() throws {
    #expect { try CUDADevice(driver: "/nowhere/libcuda.so.1") } throws: {
      ($0 as? CUDAError)?.code == "cuda-driver-missing"
    }
    #expect { try RuntimeCompiler(path: "/nowhere/libnvrtc.so") } throws: {
      ($0 as? CUDAError)?.code == "nvrtc-missing"
    }
    let gpu = try StubGPU()
    #expect { try StubGPU.with(fault: "nodevice") { try CUDADevice(driver: gpu.library) } } throws: {
      $0 as? CUDAError == .noDevice
    }
    #expect { try CUDADevice(driver: gpu.library, ordinal: 3) } throws: {
      $0 as? CUDAError == .deviceOutOfRange(found: 3, count: 1)
    }
    let example = try example(0)
    let kernel = try kernel(example, gpu)
    #expect { try StubGPU.with(fault: "oom") { try DeviceSequence([kernel]).output() } } throws: {
      $0 as? CUDAError == .callFailed("cuMemAlloc", "CUDA_ERROR_OUT_OF_MEMORY: out of memory")
    }
    #expect { try StubGPU.with(fault: "launch") { try DeviceSequence([kernel]).output() } } throws: {
      ($0 as? CUDAError)?.description.hasPrefix("cuLaunchKernel failed: CUDA_ERROR_ILLEGAL_ADDRESS") == true
    }
  }
}
