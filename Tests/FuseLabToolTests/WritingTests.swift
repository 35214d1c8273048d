import Digest
import Testing
import Workload

@testable import fuselab

@Suite struct WritingTests {
  @Test("SHA-256 of the vectors of FIPS 180-4, and of every length of padding")
  func sha256() {
    #expect(
      SHA256.hex(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hex(of: "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hex(of: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hex(of: [UInt8](repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    let digests = Set((0..<200).map { SHA256.hex(of: [UInt8](repeating: 0, count: $0)) })
    #expect(digests.count == 200)
    #expect(digests.allSatisfy { $0.count == 64 })
  }

  @Test("JSON has sorted keys, exact integers, Swift's shortest doubles and no raw control characters")
  func json() throws {
    let value: JSONValue = [
      "b": [1, 2, -3], "a": ["x": nil, "Z": true], "c": [["k": 0.1], []], "é": 1e300, "d": [:],
      "t": "\u{1b}</script>\u{202e}\u{2028}\"\\\n\u{10ffff}é",
    ]
    #expect(
      try value.text() == """
        {
          "a": {
            "Z": true,
            "x": null
          },
          "b": [1, 2, -3],
          "c": [
            {
              "k": 0.1
            },
            []
          ],
          "d": {},
          "t": "\\u001b\\u003c/script>\\u202e\\u2028\\"\\\\\\n\\udbff\\udfffé",
          "é": 1e+300
        }

        """)
  }

  @Test("Integers beyond 2^53 - 1 and numbers that are none are refused")
  func jsonLimits() throws {
    let largest = JSONValue.largestInteger
    #expect(try JSONValue(largest).text() == "9007199254740991\n")
    #expect(try JSONValue(-largest).text() == "-9007199254740991\n")
    for value in [largest + 1, -largest - 1, Int.max, Int.min] {
      let failure = #expect(throws: CommandFailure.self) { try JSONValue(value).text() }
      #expect(failure?.code == "limit-integer")
      #expect(failure?.exit == .limit)
    }
    for value in [Double.nan, .infinity] {
      let failure = #expect(throws: CommandFailure.self) { try JSONValue(value).text() }
      #expect(failure?.exit == .ourBug)
    }
  }

  @Test("Numbers have thousands separators and as many decimals as asked")
  func numbers() {
    #expect([0, 999, 1000, -1_234_567].map(grouped) == ["0", "999", "1,000", "-1,234,567"])
    #expect(grouped(Int.min) == "-9,223,372,036,854,775,808")
    #expect(percentage(1, of: 8) == "12.5%")
    #expect(percentage(1, of: 0) == "-")
    #expect(fixed(1234.05, decimals: 2) == "1,234.05")
    #expect(fixed(-0.26, decimals: 1) == "-0.3")
    #expect(fixed(2.5, decimals: 0) == "3")
  }

  @Test("A table aligns numbers to the right and cuts text where the terminal ends")
  func table() {
    var table = TextTable([.text("name", shrinksTo: 4), .number("bytes"), .text("note", shrinksTo: nil)])
    table.add(["first", "1", "x"])
    table.add(["a\u{1b}", "1,000", ""])
    table.addRule()
    table.add(["", "1,001"])
    #expect(
      table.text(TerminalStyle(isColoured: false)) == """
        name     bytes  note
        first        1  x
        a\\u{1b}  1,000
        -------  -----  ----
                 1,001

        """)
    #expect(
      table.text(TerminalStyle(isColoured: false, width: 10)).split(separator: "\n").dropFirst().first
        == "fir…      1  x")
    #expect(table.text(TerminalStyle(isColoured: true)).hasPrefix("\u{1b}[1mname"))
  }

  @Test("Text wraps between words")
  func wrapping() {
    #expect(wrapped("a bc d", width: 5, indent: "  ") == "  a\n  bc\n  d")
    #expect(wrapped("a bc d", width: 6, indent: "  ") == "  a bc\n  d")
    #expect(wrapped("longword", width: 3, indent: " ") == " longword")
    #expect(wrapped("", width: 3, indent: " ") == " ")
  }

  @Test("Layers are named by index, by name, and by names with dashes")
  func layerRanges() throws {
    let shape = try ConvolutionShape(
      inputChannels: 1, outputChannels: 1, rows: WindowAxis(inputExtent: 1),
      columns: WindowAxis(inputExtent: 1))
    let names = ["a", "b-c", "d", "1"]
    let layers = names.enumerated().map { index, name in
      Layer(
        name: name, operation: .activation, shape: shape, inputs: [index == 0 ? .input(0) : .layer(index - 1)]
      )
    }
    let network = try Network(name: "n", inputs: [shape.inputMap], layers: layers)
    let cases = [
      ("0", 0...0), ("0-2", 0...2), ("a-b-c", 0...1), ("b-c", 1...1), ("b-c-d", 1...2), ("1", 3...3),
      ("a-1", 0...3), ("2-3", 2...3),
    ]
    for (text, range) in cases { #expect(try LayerRange.parse(text, in: network) == range, "\(text)") }
    for (text, code) in [
      ("4", "unknown-layer"), ("a-x", "unknown-layer"), ("-", "unknown-layer"), ("d-a", "usage"),
    ] {
      let failure = #expect(throws: CommandFailure.self) { try LayerRange.parse(text, in: network) }
      #expect(failure?.code == code)
    }
  }
}
