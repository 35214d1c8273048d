import Foundation
import ModelFiles
import Testing

@Suite struct FileReaderTests {
  /// A fresh folder that is removed afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func expect(
    _ code: DiagnosticCode, _ status: Int32, at path: String, limit: Int = FileReader.defaultLimit
  ) {
    let errors = #expect(throws: FileErrors.self) { try FileReader.text(at: path, limit: limit) }
    #expect(errors?.codes == [code])
    #expect(errors?.exitStatus == status)
  }

  @Test("A missing file is file-not-found, exit 2")
  func missing() { expect(.fileNotFound, 2, at: "/no/such/file.yaml") }

  @Test("Directories, FIFOs and devices are not-a-regular-file, exit 2, and do not block")
  func irregular() throws {
    try withFolder { folder in
      expect(.notARegularFile, 2, at: folder)
      #expect(mkfifo(folder + "/fifo", 0o600) == 0)
      expect(.notARegularFile, 2, at: folder + "/fifo")
      expect(.notARegularFile, 2, at: "/dev/zero")
    }
  }

  @Test("A file without content is empty-file, exit 2")
  func empty() throws {
    try withFolder { folder in
      for (index, content) in ["", " \n\n"].enumerated() {
        let path = "\(folder)/\(index).yaml"
        try content.write(toFile: path, atomically: false, encoding: .utf8)
        expect(.emptyFile, 2, at: path)
      }
    }
  }

  @Test("A file over the limit is limit-file-size, exit 4; one at the limit is read")
  func size() throws {
    try withFolder { folder in
      let path = folder + "/x.yaml"
      try "12345678".write(toFile: path, atomically: false, encoding: .utf8)
      expect(.limitFileSize, 4, at: path, limit: 7)
      #expect(try FileReader.text(at: path, limit: 8) == "12345678")
    }
  }

  @Test("Bytes that are not UTF-8 are not-utf8, exit 2, and never reach the YAML parser")
  func encoding() throws {
    try withFolder { folder in
      let path = folder + "/x.yaml"
      try Data([0x5b, 0x5b, 0x5d, 0x3a, 0x93, 0x5d]).write(to: URL(fileURLWithPath: path))
      expect(.notUTF8, 2, at: path)
    }
  }

  @Test("Networks and GPUs load by name and by path; unknown names get a suggestion")
  func loading() throws {
    try withFolder { folder in
      let network = try ModelSource.load("mobilenet_v2")
      try network.text.write(toFile: folder + "/n.yml", atomically: false, encoding: .utf8)
      #expect(try ModelSource.load(folder + "/n.yml").network == network.network)
      let dag = try ModelDAG(network: try #require(BuiltIn.network(named: "mobilenet_v2")))
      try dag.text().write(toFile: folder + "/n.json", atomically: false, encoding: .utf8)
      #expect(try ModelSource.load(folder + "/n.json").network.name == "n")
      let gpu = try GPUSource.load("l4")
      try gpu.text.write(toFile: folder + "/g.yaml", atomically: false, encoding: .utf8)
      #expect(try GPUSource.load(folder + "/g.yaml").gpu == gpu.gpu)
      try gpu.text.write(toFile: folder + "/g.txt", atomically: false, encoding: .utf8)
      let type = #expect(throws: FileErrors.self) { try GPUSource.load(folder + "/g.txt") }
      #expect(type?.codes == [.unknownFileType])
    }
    let gpu = #expect(throws: FileErrors.self) { try GPUSource.load("h20") }
    #expect(
      gpu?.description == "error[unknown-name]: there is no built-in GPU 'h20'\n  = did you mean 'h200'?")
    let network = #expect(throws: FileErrors.self) { try ModelSource.load("mobilenetv1") }
    #expect(network?.diagnostics.first?.remedy == "did you mean 'mobilenet_v1'?")
    #expect(#expect(throws: FileErrors.self) { try ModelSource.load("a.yaml") }?.codes == [.fileNotFound])
  }
}
