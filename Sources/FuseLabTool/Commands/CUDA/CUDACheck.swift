#if cuda
  import ArgumentParser
  import CUDAKernels
  import Fusion
  import Scheduling
  import Verification
  import Workload

  struct CUDACheck: FuseLabCommand {
    static let verb = "cuda-check"
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Run every layer and fused kernel on a GPU and compare it with the reference, byte by byte.",
      discussion: CUDAHelp.check)

    @OptionGroup var request: PlanRequest
    @OptionGroup var layers: LayersOption
    @OptionGroup var device: DeviceOptions
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func report(_ session: inout Session) throws -> Report {
      let runner = try device.runner()
      let plan = try session.plan(request)
      try PlainOrder.require(request, plan)
      let range = try layers.range(in: plan.network)
      let values = try session.values(of: plan, preset: .chain)
      let verification = NetworkVerification(values, plan: plan) { schedule, layers, inputs, _ in
        runner.output(of: schedule, parameters: layers.map { values.parameters[$0] }, inputs)
      }
      let outcome = try session.run(verification, layers: range)
      return Report(
        data: .object([
          "device": try runner.json(), "verification": VerificationListing.json(outcome, plan),
        ]),
        text: try runner.text() + VerificationListing.text(outcome, plan, session.style),
        exit: outcome.passes ? .success : .checkFailed)
    }
  }

  /// The kernels add in the plain order alone.
  enum PlainOrder {
    static func require(_ request: PlanRequest, _ plan: FusionPlan) throws {
      guard plan.precision == .fp32, try request.precision.reductionPreset() != .chain else { return }
      throw CommandFailure.usage("the kernels add in the plain order alone", remedy: "drop --fp32-order")
    }
  }

  extension CUDAError: CodedError {}
#endif
