import CGraphviz
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// DOT text to SVG text through libgvc, in memory and without a `dot` process.
///
/// libgvc keeps global state even with a context of its own for each thread, so one lock guards every call.
/// Equal text gives equal bytes, see `GraphvizReader`, as long as the versions of Graphviz and of the fonts are the
/// same; the DOT text is what stays the same beyond that.
public enum GraphvizLayout {
  /// The longest DOT text drawn: a few thousand layers. Layout takes minutes beyond.
  public static let sizeLimit = 4 << 20

  /// The drawing of `dot`: one `svg` element, checked by `SVGFinding.first(in:)`, for a file or inside HTML.
  ///
  /// - Throws: `GraphvizError`, with the words of Graphviz where it gave any.
  public static func svg(of dot: String) throws(GraphvizError) -> String {
    try svg(of: dot, engine: "dot")
  }

  /// The version of libgvc, e.g. `2.43.0`; nil where it does not say.
  public static var version: String? {
    libgvc.withLock { _ in
      guard let context = gvContext() else { return nil }
      defer { gvFreeContext(context) }
      return gvcVersion(context).map { String(cString: $0) }
    }
  }

  static func svg(of dot: String, engine: String) throws(GraphvizError) -> String {
    let size = dot.utf8.count
    guard size <= sizeLimit else { throw .graphTooLarge(bytes: size, limit: sizeLimit) }
    guard !dot.utf8.contains(0) else { throw .unreadable("it holds a NUL") }
    let svg = try libgvc.withLock { _ in
      Result { () throws(GraphvizError) in try render(dot, engine: engine) }
    }.get()
    if let finding = SVGFinding.first(in: svg) { throw .refused(finding) }
    return svg
  }

  /// Guards libgvc, with `context` and `messages`.
  private static let libgvc = Mutex(())
  /// One for the life of the process: the Pango plugin remembers the last font by a pointer into the context and
  /// compares it at the next label, so a context must not be freed (found by the address sanitizer in 2.42.2).
  nonisolated(unsafe) private static let context = gvContext()
  /// What libgvc said since `render` began.
  nonisolated(unsafe) private static var messages = ""

  /// `agsetfile`: the reader goes on counting lines where an error ended its last text, until it is told of a new
  /// one. Newer releases have neither the memory nor the function, so it is looked up by name.
  private static let countLinesFromOne = dlsym(nil, "agsetfile").map {
    unsafeBitCast($0, to: (@convention(c) (UnsafePointer<CChar>?) -> Void).self)
  }

  private static func render(_ dot: String, engine: String) throws(GraphvizError) -> String {
    messages = ""
    agseterrf { text in
      if let text { GraphvizLayout.messages += String(cString: text) }
      return 0
    }
    defer { agseterrf(nil) }
    countLinesFromOne?(nil)
    guard let context else { throw .renderingFailed("no context") }
    guard let graph = GraphvizReader.graph(of: dot) else { throw .unreadable(said) }
    defer { agclose(graph) }
    guard gvLayout(context, graph, engine) == 0 else {
      if messages.contains("not recognized") { throw .pluginsMissing(said) }
      throw .layoutFailed(said)
    }
    defer { gvFreeLayout(context, graph) }
    var data: UnsafeMutablePointer<CChar>?
    var length: UInt32 = 0
    let status = gvRenderData(context, graph, "svg", &data, &length)
    defer { gvFreeRenderData(data) }
    guard status == 0, let data else {
      if messages.contains("not recognized") { throw .pluginsMissing(said) }
      throw .renderingFailed(said)
    }
    let bytes = UnsafeRawBufferPointer(start: data, count: Int(length))
    guard let svg = String(validating: bytes, as: UTF8.self) else { throw .refused(.notUTF8) }
    return root(of: svg)
  }

  /// The root element alone. Before it stand a declaration that says no more than the default, a document type
  /// that would be fetched from elsewhere, and the version of Graphviz.
  private static func root(of svg: String) -> String {
    let utf8 = Array(svg.utf8)
    let start = utf8.indices.first { utf8[$0...].starts(with: "<svg ".utf8) } ?? 0
    return String(decoding: utf8[start...], as: UTF8.self)
  }

  /// What libgvc said, on one line.
  private static var said: String {
    messages.split(whereSeparator: \.isNewline).joined(separator: " ")
      .split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
  }
}
