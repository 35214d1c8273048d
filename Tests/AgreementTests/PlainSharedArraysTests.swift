import Testing

@testable import KernelEmulator

@Suite struct PlainSharedArraysTests {
  @Test(
    "The first plain array is found on its line, and no comment is taken for one",
    arguments: [
      ("", nil), ("__shared__ float s[4];", 1), ("int x;\n\n  __shared__\n float s[4];", 3),
      ("// __shared__ float s[4];\n__shared__ float s[4];", 2), ("// __shared__ float s[4];", nil),
      ("/* a\n__shared__ float s[4];\n*/ int x; //*/\n__shared__ int y;", 4),
      ("/* __shared__ int x;", nil), ("/**/__shared__ int x;", 1),
      ("__shared__ fcm::array<float, 4> s;\nextern __shared__ int t[];", 2),
      ("__shared__ fcm::array<\n  float, 4> s;", nil), ("__shared__ int s[4]; fcm::array<int, 4> t;", 1),
    ] as [(String, Int?)])
  func firstLine(_ text: String, _ line: Int?) {
    #expect(PlainSharedArrays.firstLine(in: text) == line)
  }

  @Test("A text of nothing else is read once", .timeLimit(.minutes(1)))
  func long() {
    let text = String(repeating: "__shared__ fcm::array<int, 4> s ", count: 30_000)
    #expect(PlainSharedArrays.firstLine(in: text) == nil)
  }
}
