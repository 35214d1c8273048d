// What a kernel knows of its schedule: every size, stride, offset and lane of it. On a GPU a constexpr that the
// compiler folds away, in the emulator a value that is read at run time, so that any tile runs without a rebuild.
//
// All fields have 4 bytes, in the order in which `KernelConstants` (Swift) lists them.
#pragma once

namespace fcm {

enum Operation { convolution = 0, average_pool = 1, max_pool = 2, add = 3, activation_alone = 4 };
enum Activation { none = 0, relu = 1, relu6 = 2 };
enum Order { column_fastest = 0, row_fastest = 1, channel_fastest = 2, swizzled = 3 };
/// Rows of tiles of a band of the swizzled order.
constexpr int band_rows = 4;
/// How a stage that mixes channels goes over its reduction: one by one, by packs of neighbouring channels, by matrices, by
/// single values and packs of filters.
enum Path { elements = 0, packs = 1, matrix = 2, filter_packs = 3 };
/// How an INT8 layer without weights makes its result.
enum Integers { clamped = 0, through_float = 1, onnx = 2, tflite = 3, tflite_pool = 4 };

constexpr int maximum_stages = 4;
/// Accumulators of a thread, in the emulator; on a GPU registers set the limit.
constexpr int maximum_sums = 256;
/// Weights of windows that slide: a thread has them all.
constexpr int sliding_weights = 49;

/// Rows or columns of one map: the slots that a tile has of it.
struct MapAxis {
  int extent;     // of the map
  int slots;      // of a tile
  int tile_step;  // from the first slot's index of one tile to that of the next
  int origin;     // index of the first tile's first slot
  int slot_step;  // from slot to slot
  int table;      // where `[tile][slot] → index` stands among the tables; −1 where the steps say it all
  int is_full;    // whether every slot of every tile holds an element
};

/// Rows or columns of one stage's window.
struct WindowAxis {
  int window, stride, dilation, padding;
  int slot_step;  // input slots from output slot to output slot
  int tap_step;   // input slots from tap to tap
  int table;      // where `[output slot · window + tap] → input slot` stands; −1 where the steps say it all
};

/// How an operand comes into shared memory.
struct Staging {
  int width;   // elements of a lane
  int threads; // that take part in each round
  int whole;   // whether what lies in one piece in memory is moved in one piece
  int offset;  // bytes
  int copies;  // 2 where the next chunk is loaded while the last is computed
  int stride;  // bytes from one copy to the other
};

/// The INT8 numbers of a stage.
struct Quantized {
  int input_zero, second_zero, weight_zero, output_zero;
  int value_zero;  // what is taken off a value before it is multiplied or summed: the input's zero point, but 0 where the bias has it
  int weight_zeros;  // where those of the channels stand among the tables; −1 where all are `weight_zero`
  int low, high;  // the clamp that is the activation
  int how;        // `Integers`, of a stage without weights; of one with weights onnx or tflite
  float first_scale, second_scale, offset;
  int first_multiplier, first_shift, second_multiplier, second_shift, result_multiplier, result_shift;
};

struct Stage {
  int operation, mixes;
  int input_channels, output_channels, channels_per_group, filters_per_group;
  int chunk;  // input channels reduced at a time, where the stage mixes them
  int unrolled;  // such chunks that are each code of their own: all or 1
  int unrolls_chunk;  // whether the packs of a chunk are
  int has_bias, activation;
  int group, pixels;  // output channels and pixels that a thread computes together
  int slides;         // whether these pixels lie straight below one another, so that their windows share rows of values
  int kept;           // of these channels those that some lane has for itself
  int rounds;         // items of a thread in a full step
  int sums;           // accumulators of a thread: of all its items where it keeps them from chunk to chunk
  int path;          // `Path`
  int pack;          // input channels read at once, of filters or of filters and values
  int joins_taps;    // whether four taps of a depthwise channel are multiplied at once, as far as zero points allow it
  int store_width;   // neighbouring output channels that a lane writes at once
  /// Elements in shared memory, of all paths but `elements`: from filter to filter of a group, filters of a group, from group to
  /// group.
  int filter_pitch, filter_side, filter_group;
  int tap_pitch;     // elements from tap to tap, where those of neighbouring channels are read at once; else 0
  WindowAxis rows, columns;
  Staging weights, bias, multipliers;
  int target;        // the stage whose results this one's end as in registers: itself, or the last add that follows
  int joined;        // of an add inside a chain: which of its inputs the stage before makes; the other is a residual
  int intermediate;  // byte offset of the output's buffer, where a stage follows
  Quantized q;
};

struct Constants {
  int stages, inputs, threads;
  int resident;  // blocks that a multiprocessor's registers must have room for
  int buffers, order;
  int is_hwc;  // whether feature maps lie as NHWC, in memory and in shared memory
  int batch, tile_rows, tile_columns, tile_channels;
  int row_tiles, column_tiles, channel_tiles;
  Staging ifm[2];
  MapAxis rows[maximum_stages + 1], columns[maximum_stages + 1];
  int pitch[maximum_stages + 1];  // NHWC: elements from slot to slot of each map's buffer
  Stage stage[maximum_stages];
};

}  // namespace fcm
