import ModelFiles
import Testing

@Suite struct FusionListTests {
  @Test("A line is two ids and one of their kinds; blank lines and blanks do not count")
  func reading() throws {
    let list = try FusionList.parse(text: "5,6,dwpw\r\n\n 16, 17 ,pwdw_wide\n20,21,pwpw", path: "x.cfg")
    #expect(list.decisions.map(\.first) == [5, 16, 20])
    #expect(list.decisions.map(\.second) == [6, 17, 21])
    #expect(list.decisions.map(\.kind) == [.dwpw, .pwdwWide, .pwpw])
    #expect(list.decisions.map(\.line) == [1, 3, 4])
  }

  @Test(
    "Anything else is fusion-list-syntax at its line, exit 2",
    arguments: [
      "5,6", "5,6,dwpw,", "5,6,dwdw", "five,6,dwpw", "-5,6,dwpw", "05,6,dwpw", "5,,dwpw", "5;6;dwpw",
      "99999999999999999999,6,dwpw", "5,6,DWPW", "# comment", "5,6,dwpw\0",
    ])
  func wrong(line: String) {
    let found = #expect(throws: FileErrors.self) {
      try FusionList.parse(text: "1,2,dwpw\n\(line)\n", path: "x.cfg")
    }
    #expect(found?.codes == [.fusionListSyntax])
    #expect(found?.exitStatus == 2)
    #expect(found?.diagnostics.first?.location?.line == 2)
  }
}
