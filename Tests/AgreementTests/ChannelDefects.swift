import Scheduling

/// Defects of what NHWC and INT8 kernels have for themselves: packs, matrices, pixels, zero points.
extension PlantedDefect {
  static let channelsSideBySide: [PlantedDefect] = [
    // Matrices.
    PlantedDefect(
      name: "no barrier before matrices read what was loaded", file: "block.cuh",
      old: "if ((reads & written) | (writes & (read | written))) meet();",
      new: "if (writes & (read | written)) meet();",
      example: .matrix, sign: .found([.readAfterWrite, .uninitialisedShared, .copyNotAwaited])),
    PlantedDefect(
      name: "a matrix takes the first half of its channels twice", file: "accumulate.cuh",
      old: "a[2 * p + 1] = ld_word(w.in, at[p] + c + 16);", new: "a[2 * p + 1] = ld_word(w.in, at[p] + c);",
      example: .matrix, sign: .values),
    PlantedDefect(
      name: "a matrix's pixels change places", file: "accumulate.cuh",
      old: "+ p / 2) * 4, a[2 * p], a[2 * p + 2], a[2 * p + 1], a[2 * p + 3],",
      new: "+ p / 2) * 4, a[2 * p + 2], a[2 * p], a[2 * p + 3], a[2 * p + 1],",
      example: .matrix, sign: .values),
    PlantedDefect(
      name: "filters beyond the last are read", file: "accumulate.cuh",
      old: "filter_place(k, min(first + 8 * n, item.channels - 1)) + word;",
      new: "filter_place(k, first + 8 * n) + word;",
      example: .matrix, sign: .found([.sharedOutOfBounds])),
    PlantedDefect(
      name: "a warp's lanes have matrices each of their own", file: "compute.cuh",
      old: "const int shift = k.path == matrix ? 5 : 0;", new: "const int shift = 0;",
      example: .matrix, sign: .found([.divergentWarp, .laneDisagreement, .writtenTwice, .neverWritten])),
    PlantedDefect(
      name: "a matrix's sums of weights are not taken off", file: "accumulate.cuh",
      old: "of_weights[m / 2 * 4 + m % 2],", new: "0,", example: .matrixWithoutBias, sign: .values),
    PlantedDefect(
      name: "a matrix's sums of values are not taken off", file: "accumulate.cuh",
      old: "of_values[p / 2 * 4 + p % 2 * 2],", new: "0,", example: .matrix, sign: .values),
    // Packs by dp4a.
    PlantedDefect(
      name: "packs of bytes are multiplied while they are on their way", file: "block.cuh",
      old: "    wait_for_copies();\n", new: "", example: .dots, sign: .found([.copyNotAwaited])),
    PlantedDefect(
      name: "a pack's weights are not summed up", file: "accumulate.cuh",
      old: "      corrections.see_weight(m, weight, k);\n", new: "", example: .dotsWithoutBias, sign: .values),
    PlantedDefect(
      name: "a pack's values are not summed up", file: "accumulate.cuh",
      old: "      corrections.see_value(p, value[p], k);\n", new: "", example: .dots, sign: .values),
    PlantedDefect(
      name: "groups of filters lie a byte too near", file: "staging.cuh",
      old: "return filter / k.filter_side * k.filter_group",
      new: "return filter / k.filter_side * (k.filter_group - 1)",
      example: .dots, sign: .found([.misaligned])),
    PlantedDefect(
      name: "filters of a group are loaded over each other", file: "staging.cuh",
      old: "return filter_place(k, run) + at;", new: "return filter_place(k, run / 2 * 2) + at;",
      example: .dots, sign: .found([.writeAfterWrite, .uninitialisedShared])),
    PlantedDefect(
      name: "runs of channels overlap", file: "work.cuh",
      old: "channel_step = side * w.channel_groups, pixel_step = w.pixel_groups;\n      channel = (number",
      new: "channel_step = w.channel_groups, pixel_step = w.pixel_groups;\n      channel = (number",
      example: .dots, sign: .found([.writtenTwice, .neverWritten, .misaligned])),
    PlantedDefect(
      name: "packs of results beyond the channels are stored", file: "work.cuh",
      old: "return wanted_channel(m) < channels && (", new: "return (",
      example: .dots, sign: .found([.misaligned, .writtenTwice])),
    PlantedDefect(
      name: "residuals are loaded in packs whatever the lane", file: "work.cuh",
      old: "ld_pack_if<V>(active, b.g.residual[sum], at);",
      new: "ld_pack_if<V>(true, b.g.residual[sum], at);",
      example: .dotsadd, sign: .found([.globalOutOfBounds, .misaligned])),
    // Loads of pixels and of taps.
    PlantedDefect(
      name: "pixels outside the map are loaded", file: "staging.cuh",
      old: "copy_async_if(active, y.holds && x.holds, to, pixel *",
      new: "copy_async_if(active, true, to, pixel *",
      example: .channels, sign: .found([.globalOutOfBounds])),
    PlantedDefect(
      name: "pixels beyond the tile are loaded", file: "staging.cuh",
      old: "copy_async_if(active, y.holds && x.holds, to, pixel *",
      new: "copy_async_if(true, y.holds && x.holds, to, pixel *",
      example: .channels, sign: .found([.sharedOutOfBounds])),
    PlantedDefect(
      name: "pixels under a plain if", file: "staging.cuh",
      old: "    copy_async_if(active, y.holds && x.holds, to, pixel *",
      new: "    if (active && y.holds && x.holds) copy_async_if(active, y.holds && x.holds, to, pixel *",
      example: .channels, sign: .found([.laneDisagreement, .uninitialisedShared])),
    PlantedDefect(
      name: "pixels lie an element too near", file: "staging.cuh",
      old: "pixel * b.K->pitch[0] + channel", new: "pixel * (b.K->pitch[0] - 1) + channel",
      example: .channels, sign: .found([.misaligned])),
    PlantedDefect(
      name: "pixels of a channel tile begin at channel 0", file: "staging.cuh",
      old: "* map.channels + channels.low;", new: "* map.channels;",
      example: .channels, sign: .values),
    PlantedDefect(
      name: "taps are loaded an element too near", file: "staging.cuh",
      old: "return tap * pitch + channel;", new: "return tap * (pitch - 1) + channel;",
      example: .channels, sign: .found([.uninitialisedShared, .writeAfterWrite])),
    // INT8.
    PlantedDefect(
      name: "padding is 0, not the zero point", file: "arithmetic.cuh",
      old: "return Element(input == 0 ? k.q.input_zero : k.q.second_zero);", new: "return Element(0);",
      example: .channels, sign: .values),
    PlantedDefect(
      name: "the zero point of weights is forgotten", file: "arithmetic.cuh",
      old: "weight(Element w, int zero) { return int(w) - zero; }",
      new: "weight(Element w, int zero) { return int(w); }",
      example: .channels, sign: .values),
    PlantedDefect(
      name: "results have no zero point", file: "arithmetic.cuh",
      old: "q.low - zero, q.high - zero) + zero);", new: "q.low - zero, q.high - zero));",
      example: .dots, sign: .values),
    PlantedDefect(
      name: "a product takes the neighbouring channel's weight", file: "arithmetic.cuh",
      old: "int(0xffu << 8 * v)", new: "int(0xffu << 8 * (v ^ 1))", example: .plainChannels, sign: .values),
    PlantedDefect(
      name: "the input's zero point is taken off twice", file: "arithmetic.cuh",
      old: "return int(x) - k.q.value_zero;", new: "return int(x) - k.q.input_zero;", example: .channels,
      sign: .values),
  ]
}
