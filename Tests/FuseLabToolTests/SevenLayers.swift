/// A network of seven layers that fuse in several ways, quick to plan and to replay.
let sevenLayers = """
  version: 1
  name: net
  input: {channels: 8, rows: 28, columns: 28}
  layers:
    - {name: pw1, op: pointwise, filters: 32, activation: relu}
    - {name: dw1, op: depthwise, kernel: 3, activation: relu}
    - {name: pw2, op: pointwise, filters: 16}
    - {name: pw3, op: pointwise, filters: 48, activation: relu}
    - {name: dw2, op: depthwise, kernel: 3, stride: 2, activation: relu}
    - {name: pw4, op: pointwise, filters: 24}
    - {name: pw5, op: pointwise, filters: 40}
  """
