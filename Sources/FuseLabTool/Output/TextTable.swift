import ModelFiles

/// `text` in lines of at most `width` characters, each after `indent`; longer words stay whole.
func wrapped(_ text: String, width: Int, indent: String) -> String {
  var lines: [String] = []
  var line = indent
  for word in text.split(separator: " ") {
    if line.count > indent.count, line.count + 1 + word.count > width {
      lines.append(line)
      line = indent
    }
    line += (line.count > indent.count ? " " : "") + word
  }
  return (lines + [line]).joined(separator: "\n")
}

/// `text` in lines of at most `width` characters, the first after `indent`, the others two further in.
func hanging(_ text: String, width: Int, indent: String = "") -> String {
  indent + wrapped(text, width: width, indent: indent + "  ").dropFirst(indent.count + 2)
}

/// A table for people: text to the left, numbers to the right, cut to the width of the terminal.
struct TextTable {
  enum Alignment { case left, right }

  struct Column {
    let title: String
    let alignment: Alignment
    /// The width to which the column may shrink when the table is wider than the terminal; nil keeps it.
    let shrinksTo: Int?

    /// A column of text that may be cut, down to 16 characters.
    static func text(_ title: String, shrinksTo: Int? = 16) -> Column {
      Column(title: title, alignment: .left, shrinksTo: shrinksTo)
    }

    /// A column of numbers; the title names the unit.
    static func number(_ title: String) -> Column {
      Column(title: title, alignment: .right, shrinksTo: nil)
    }
  }

  let columns: [Column]
  /// Cells of each row, as many as columns; missing ones are empty.
  private(set) var rows: [[String]] = []
  private var rules: Set<Int> = []

  init(_ columns: [Column]) { self.columns = columns }

  mutating func add(_ cells: [String]) { rows.append(cells) }

  /// Draws a line before the next row, as above totals.
  mutating func addRule() { rules.insert(rows.count) }

  /// The lines, each ending in a line break. Cells are made safe for terminals.
  func text(_ style: TerminalStyle) -> String {
    let cells = rows.map { row in
      columns.indices.map { row.indices.contains($0) ? sanitised(row[$0]) : "" }
    }
    let widths = widths(cells, available: style.width)
    var lines = [style.bold(line(columns.map(\.title), widths))]
    for (index, row) in cells.enumerated() {
      if rules.contains(index) {
        lines.append(style.faint(line(widths.map { String(repeating: "-", count: $0) }, widths)))
      }
      lines.append(line(row, widths))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func widths(_ cells: [[String]], available: Int) -> [Int] {
    var widths = columns.indices.map { column in
      cells.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    var excess = widths.reduce(0, +) + 2 * (columns.count - 1) - available
    // The widest column that may shrink gives first.
    while excess > 0 {
      let shrinkable = columns.indices.filter { widths[$0] > columns[$0].shrinksTo ?? Int.max }
      guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let parts = columns.indices.map { index in
      let cell = cells[index]
      let shown = cell.count > widths[index] ? String(cell.prefix(widths[index] - 1)) + "…" : cell
      let space = String(repeating: " ", count: widths[index] - shown.count)
      return columns[index].alignment == .left ? shown + space : space + shown
    }
    let line = parts.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}
