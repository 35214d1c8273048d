/// The kernels of what `fuselab plan --json` or `simulate --json` wrote: their layers and their tiles.
public struct PlanFile: Hashable, Sendable {
  /// A kernel as the file has it; whether its numbers make a schedule is for others to say.
  public struct Kernel: Hashable, Sendable {
    public let layers: [String]
    public let rows, columns, channels: Int
    /// Input channels reduced at a time, of each layer.
    public let reduction: [Int]
    public let threads, vectorWidth, buffers, channelsPerThread, pixelsPerThread: Int
    public let usesTensorCores, slidesWindows, keepsSlots: Bool
    public let order: String
  }

  public let network, elementType, layout: String
  public let batch: Int
  /// Kernels of layers that have no schedule are left out.
  public let kernels: [Kernel]

  /// - Throws: `result-schema` for files of other commands, `result-type`, `limit-record`, `json-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> PlanFile {
    let (kind, data) = try ResultFile.envelope(text: text, path: path)
    let list = try data.member(kind == .plan ? "groups" : "kernels")
    guard try list.items.count <= ResultFile.kernelLimit else {
      throw list.failure(.limitRecord, "there are more than \(ResultFile.kernelLimit) kernels")
    }
    var kernels: [Kernel] = []
    for item in try list.items {
      guard let schedule = try item.optional("schedule") else { continue }
      var layers: [String] = []
      for layer in try item.member("layers").items { layers.append(try layer.string) }
      kernels.append(try kernel(layers, schedule))
    }
    return PlanFile(
      network: try data.member("network").string, elementType: try data.member("element_type").string,
      layout: try data.member("layout").string, batch: try data.member("batch").int, kernels: kernels)
  }

  private static func kernel(_ layers: [String], _ schedule: JSONReading) throws(FileErrors) -> Kernel {
    func number(_ key: String) throws(FileErrors) -> Int { try schedule.member(key).int }
    var reduction: [Int] = []
    for chunk in try schedule.member("reduction_channels").items { reduction.append(try chunk.int) }
    return Kernel(
      layers: layers, rows: try number("tile_rows"), columns: try number("tile_columns"),
      channels: try number("tile_channels"), reduction: reduction, threads: try number("threads"),
      vectorWidth: try number("vector_width"), buffers: try number("buffers"),
      channelsPerThread: try number("channels_per_thread"), pixelsPerThread: try number("pixels_per_thread"),
      usesTensorCores: try schedule.member("uses_tensor_cores").bool,
      // Older files have neither.
      slidesWindows: try schedule.optional("slides_windows")?.bool ?? false,
      keepsSlots: try schedule.optional("keeps_slots")?.bool ?? false,
      order: try schedule.member("block_order").string)
  }
}
