// swift-tools-version: 6.2
import PackageDescription

/// Hot loops are optimised in debug builds too, else the tests take an hour instead of minutes.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
  name: "FuseLab",
  products: [
    .executable(name: "fuselab", targets: ["fuselab"]),
    .executable(name: "fuselab-gpu", targets: ["fuselab-gpu"]),
  ],
  traits: [
    .trait(
      name: "cuda",
      description: "Run the kernels on an NVIDIA GPU; the driver and NVRTC are loaded at run time."),
    .default(enabledTraits: []),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CGraphviz", pkgConfig: "libgvc", providers: [.apt(["libgraphviz-dev"])]),

    // The core: no Foundation, and each target imports only what stands before it.
    .target(name: "ConcurrentMap"),
    .target(name: "Digest"),
    .target(name: "Workload", swiftSettings: optimised),
    .target(name: "Hardware", dependencies: ["Workload"], swiftSettings: optimised),
    .target(name: "Scheduling", dependencies: ["Workload", "Hardware"], swiftSettings: optimised),

    // The witnesses.
    .target(
      name: "CFusedMultiplyAdd", cSettings: [.unsafeFlags(["-O3"])],
      linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "Reference", dependencies: ["Workload", "ConcurrentMap", "CFusedMultiplyAdd"],
      swiftSettings: optimised),
    .target(
      name: "ScheduleExecution", dependencies: ["Workload", "Hardware", "Scheduling", "ConcurrentMap"],
      swiftSettings: optimised),
    .target(
      name: "CostModel", dependencies: ["Workload", "Hardware", "Scheduling"], swiftSettings: optimised),
    .target(name: "CCacheLoops", cxxSettings: [.unsafeFlags(["-O3"])]),
    .target(
      name: "MemorySimulation",
      dependencies: ["Workload", "Hardware", "Scheduling", "ConcurrentMap", "CCacheLoops"],
      swiftSettings: optimised),

    // The kernels, and what runs them on the CPU.
    .target(
      name: "KernelSources", dependencies: ["Workload", "Hardware", "Scheduling"],
      resources: [.embedInCode("Resources")]),
    .target(
      name: "CKernelEmulator",
      cxxSettings: [.unsafeFlags(["-O3"])],
      linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "KernelEmulator",
      dependencies: ["Workload", "Hardware", "Scheduling", "KernelSources", "CKernelEmulator"]),

    // The kernels on a GPU: libraries of CUDA are opened at run time.
    .target(name: "CCUDADynamic"),
    .target(
      name: "CUDAKernels",
      dependencies: ["KernelSources", "CCUDADynamic", "Digest"]),
    .target(
      name: "KernelBundles", dependencies: ["KernelSources", "Digest"], resources: [.embedInCode("Resources")]
    ),

    .target(
      name: "Fusion",
      dependencies: ["Workload", "Hardware", "Scheduling", "CostModel", "MemorySimulation", "ConcurrentMap"],
      swiftSettings: optimised),
    .target(
      name: "Rendering",
      dependencies: ["Workload", "Hardware", "Scheduling", "MemorySimulation", "Fusion", "CGraphviz"]),
    .target(
      name: "ModelFiles",
      dependencies: ["Workload", "Hardware", .product(name: "Yams", package: "Yams")],
      resources: [.embedInCode("Configs/GPUs"), .embedInCode("Configs/Networks")]),
    .target(name: "Comparison", dependencies: ["ModelFiles"]),
    .target(
      name: "Verification",
      dependencies: [
        "Workload", "Hardware", "Scheduling", "Reference", "ScheduleExecution", "MemorySimulation", "Fusion",
        "KernelSources", "KernelEmulator",
      ]),
    .executableTarget(
      name: "fuselab",
      dependencies: [
        "Workload", "Hardware", "Scheduling", "Reference", "ScheduleExecution", "CostModel",
        "MemorySimulation", "Fusion", "Rendering", "ModelFiles", "Comparison", "ConcurrentMap",
        "Verification",
        "KernelEmulator", "KernelSources", "KernelBundles", "Digest",
        .target(name: "CUDAKernels", condition: .when(traits: ["cuda"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/FuseLabTool"),
    // Runs bundles on a machine that has a GPU and little else.
    .executableTarget(
      name: "fuselab-gpu", dependencies: ["Workload", "KernelSources", "KernelBundles", "CUDAKernels"],
      path: "Sources/FuseLabGPU"),

    .target(
      name: "TestSupport",
      dependencies: ["Workload", "Hardware", "Scheduling", "ModelFiles"], path: "Tests/TestSupport"),
    .testTarget(name: "WorkloadTests", dependencies: ["Workload", "TestSupport"]),
    .testTarget(name: "HardwareTests", dependencies: ["Hardware", "TestSupport"]),
    .testTarget(name: "SchedulingTests", dependencies: ["Scheduling", "TestSupport"]),
    .testTarget(
      name: "ReferenceTests", dependencies: ["Reference", "ModelFiles", "COpenBLAS", "TestSupport"],
      exclude: ["onnxruntime_cases.py", "mobilenet_v2_layers.py"]),
    .testTarget(
      name: "MemorySimulationTests", dependencies: ["MemorySimulation", "TestSupport"],
      exclude: ["pycachesim_cases.py"]),
    .testTarget(name: "CostModelTests", dependencies: ["CostModel", "TestSupport"]),
    .testTarget(
      name: "FusionTests", dependencies: ["Fusion", "CostModel", "Scheduling", "ModelFiles", "TestSupport"],
      swiftSettings: optimised),
    .testTarget(name: "RenderingTests", dependencies: ["Rendering", "Fusion", "ModelFiles", "TestSupport"]),
    .testTarget(name: "ComparisonTests", dependencies: ["Comparison", "ModelFiles", "TestSupport"]),
    .testTarget(name: "ModelFilesTests", dependencies: ["ModelFiles", "TestSupport"]),
    .testTarget(
      name: "AgreementTests",
      dependencies: [
        "Reference", "ScheduleExecution", "CostModel", "MemorySimulation", "Fusion", "KernelSources",
        "KernelEmulator", "ModelFiles", "TestSupport",
      ],
      swiftSettings: optimised),
    .testTarget(
      name: "CUDAKernelsTests",
      dependencies: ["CUDAKernels", "KernelBundles", "Reference", "TestSupport"], exclude: ["stub_gpu.cpp"]),
    .testTarget(
      name: "FuseLabToolTests",
      dependencies: ["fuselab", "fuselab-gpu", "Digest", "ModelFiles", "TestSupport"],
      exclude: ["int8_cudnn_cases.py"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
