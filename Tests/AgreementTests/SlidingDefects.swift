extension PlantedDefect {
  /// Of windows that slide down a column.
  static let slidingWindows = [
    PlantedDefect(
      name: "windows reach a row too far", file: "accumulate.cuh",
      old: "if (i < 0 || i >= height) continue;", new: "if (i < 0 || i > height) continue;",
      example: .sliding, sign: .values),
    PlantedDefect(
      name: "windows reach a row too far, of channels side by side", file: "accumulate.cuh",
      old: "if (i < 0 || i >= height) continue;", new: "if (i < 0 || i > height) continue;",
      example: .slidingChannels, sign: .values),
    PlantedDefect(
      name: "windows slide by a row whatever the stride", file: "accumulate.cuh",
      old: "const int i = r - p * step;", new: "const int i = r - p;", example: .sliding, sign: .values),
    PlantedDefect(
      name: "every row of weights is the first", file: "accumulate.cuh",
      old: "filter + (r * width + j) * tap_step", new: "filter + j * tap_step", example: .slidingChannels,
      sign: .values),
    PlantedDefect(
      name: "rows are read from the window's second on", file: "accumulate.cuh",
      old: "const int top = line_of(w, spot.row, 0);", new: "const int top = line_of(w, spot.row, 1);",
      example: .sliding, sign: .found([.sharedOutOfBounds])),
    PlantedDefect(
      name: "a column's last item stores what the one above it has", file: "work.cuh",
      old: "(slides ? wanted >= own : wanted < pixels)", new: "(slides || wanted < pixels)",
      example: .sliding, sign: .requests),
    PlantedDefect(
      name: "a column's last item ends below the tile", file: "work.cuh",
      old: "min(line * k.pixels, w.target.rows - k.pixels)", new: "line * k.pixels",
      example: .slidingChannels, sign: .found([.sharedOutOfBounds, .globalOutOfBounds, .writtenTwice])),
  ]
}
