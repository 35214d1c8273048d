"""Random layers and what ONNX Runtime and independent numpy code give for them.

usage: onnxruntime_cases.py FOLDER   (needs numpy, onnx, onnxruntime)

Writes FOLDER/cases.json, one object a layer, and FOLDER/blob.bin, which holds the tensors; a tensor is
[offset, count] in bytes and elements. Feature maps are NCHW. Scales are float32, written exactly."""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(2024)
folder = sys.argv[1]
blob = open(os.path.join(folder, "blob.bin"), "wb")
cases = []
TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int8): TensorProto.INT8}


def tensor(values):
    values = np.ascontiguousarray(values)
    offset = blob.tell()
    blob.write(values.tobytes())
    return [offset, int(values.size)]


def run(node, inputs, constants):
    """The node's output; `inputs` are fed, `constants` are initialisers, as in deployed models."""
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(n, TYPES[v.dtype], v.shape) for n, v in inputs.items()],
        [helper.make_tensor_value_info("y", TYPES[next(iter(inputs.values())).dtype], None)],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()])
    model = helper.make_model(
        graph, ir_version=8,
        opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def f32(low, high, size=None):
    return np.float32(rng.uniform(low, high)) if size is None else rng.uniform(low, high, size).astype(np.float32)


def int8(size=None):
    return rng.integers(-128, 128, size).astype(np.int8)


def random_shape(kind):
    """A convolution with every attribute drawn at random."""
    k = [1, 1] if kind == "pw" else [int(v) for v in rng.choice([2, 3, 5], 2)]
    if kind == "dw":
        groups = int(rng.choice([3, 16, 24, 33]))
        channels, filters = groups, groups * int(rng.choice([1, 1, 2]))
    elif kind == "grouped":
        groups = int(rng.choice([2, 3, 4]))
        channels, filters = groups * int(rng.integers(2, 9)), groups * int(rng.integers(2, 9))
    else:
        groups, channels, filters = 1, int(rng.choice([3, 16, 31, 64, 144])), int(rng.choice([5, 16, 40, 64]))
    dilations = [1, 1] if kind == "pw" else [int(v) for v in rng.choice([1, 1, 2], 2)]
    pads = [0] * 4 if kind == "pw" else [int(v) for v in rng.integers(0, 3, 4)]
    return dict(batch=int(rng.choice([1, 1, 2])), channels=channels, filters=filters, groups=groups,
                extent=[int(v) for v in rng.integers(11, 18, 2)], window=k, pads=pads,
                strides=[int(v) for v in rng.choice([1, 1, 2, 3], 2)], dilations=dilations)


def attributes(s):
    return dict(group=s["groups"], strides=s["strides"], pads=s["pads"], dilations=s["dilations"],
                kernel_shape=s["window"])


def accumulate(s, x, zx, w, bias):
    """Exact accumulators, tap by tap over whole maps."""
    top, left, bottom, right = s["pads"]
    x = np.pad(x.astype(np.int64) - zx, ((0, 0), (0, 0), (top, bottom), (left, right)))
    w = w.astype(np.int64)
    n, per_group = s["batch"], s["channels"] // s["groups"]
    out = [(x.shape[2 + a] - (s["window"][a] - 1) * s["dilations"][a] - 1) // s["strides"][a] + 1 for a in (0, 1)]
    x = x.reshape(n, s["groups"], per_group, *x.shape[2:])
    w = w.reshape(s["groups"], -1, per_group, *s["window"])
    acc = np.zeros((n, s["groups"], w.shape[1], *out), np.int64)
    for i in range(s["window"][0]):
        for j in range(s["window"][1]):
            r, c = i * s["dilations"][0], j * s["dilations"][1]
            v = x[:, :, :, r:r + (out[0] - 1) * s["strides"][0] + 1:s["strides"][0],
                  c:c + (out[1] - 1) * s["strides"][1] + 1:s["strides"][1]]
            acc += np.einsum("ngchw,gfc->ngfhw", v, w[:, :, :, i, j])
    return acc.reshape(n, s["filters"], *out) + bias[None, :, None, None]


def quantize_multiplier(real):
    q, e = np.frexp(np.float64(real))
    q = np.floor(q * 2.0 ** 31 + 0.5).astype(np.int64)
    over = q == 1 << 31
    return np.where(over, q // 2, q), np.where(over, e + 1, e).astype(np.int64)


def fixed_point(x, q, s):
    """Rounding doubling high multiply, then a shift that rounds half away from zero (gemmlowp)."""
    p = (x << np.maximum(s, 0)) * q
    n = p + np.where(p >= 0, 1 << 30, 1 - (1 << 30))
    h = np.where(n >= 0, n >> 31, -(-n >> 31))
    r = np.maximum(-s, 0)
    mask = (np.int64(1) << r) - 1
    return (h >> r) + ((h & mask) > (mask >> 1) + (h < 0))


def quantized_convolution(kind, per_channel, mode):
    s = random_shape(kind)
    w_shape = (s["filters"], s["channels"] // s["groups"], *s["window"])
    x, w = int8((s["batch"], s["channels"], *s["extent"])), rng.integers(-127, 128, w_shape).astype(np.int8)
    zx, zy, sx = int8(), int8(), f32(0.002, 0.1)
    sw = f32(0.001, 0.02, s["filters"] if per_channel else 1)
    bias = rng.integers(-20000, 20000, s["filters"]).astype(np.int32)
    acc = accumulate(s, x, int(zx), w, bias)
    sy = np.float32(np.abs(acc * (sx * sw)[None, :, None, None]).max() / rng.choice([100, 200, 300]))
    if mode == "tflite" and rng.random() < 0.25:
        sy = np.float32(np.median(sx * sw) / rng.uniform(1, 20))  # multipliers over 1: a left shift
    if mode == "onnx":
        zw = np.zeros(sw.size, np.int8)
        node = helper.make_node("QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"], ["y"], **attributes(s))
        scale, zero = (sw, zw) if per_channel else (sw[0], zw[0])
        y = run(node, dict(x=x), dict(sx=sx, zx=zx, w=w, sw=scale, zw=zero, sy=sy, zy=zy, b=bias))
    else:
        q, shift = quantize_multiplier(np.float64(sx) * sw.astype(np.float64) / np.float64(sy))
        q, shift = q[None, :, None, None], shift[None, :, None, None]
        y = np.clip(fixed_point(acc, q, shift) + int(zy), -128, 127).astype(np.int8)
    cases.append(dict(kind=kind, operation="convolution", mode=mode, shape=s, x=[tensor(x)], w=tensor(w), b=tensor(bias),
                      weightScales=[float(v) for v in sw], inputs=[[float(sx), int(zx)]], output=[float(sy), int(zy)],
                      y=tensor(y)))


def convolution(kind, channels, filters, extent, window, stride, pads, order):
    groups = channels if kind == "dw" else 1
    s = dict(batch=1, channels=channels, filters=filters, groups=groups, extent=[extent] * 2, window=[window] * 2,
             pads=pads, strides=[stride] * 2, dilations=[1, 1])
    x, w = (rng.standard_normal(d).astype(np.float32) for d in
            ((1, channels, extent, extent), (filters, channels // groups, window, window)))
    b = rng.standard_normal(filters).astype(np.float32)
    y = run(helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes(s)), dict(x=x), dict(w=w, b=b))
    cases.append(dict(kind=kind, operation="convolution", mode="fp32", shape=s, order=order, x=[tensor(x)], w=tensor(w),
                      b=tensor(b), y=tensor(y)))


def float_convolutions():
    for channels, extent, stride, window in [(32, 28, 1, 3), (96, 28, 2, 3), (144, 14, 1, 3), (64, 14, 2, 3),
                                             (48, 15, 1, 5), (32, 13, 2, 5), (16, 12, 1, 7), (160, 7, 1, 3)]:
        convolution("dw", channels, channels, extent, window, stride, [window // 2] * 4, "chain")
    for channels, filters, extent in [(32, 64, 28), (128, 128, 14), (256, 256, 14), (512, 512, 7), (144, 32, 14),
                                      (192, 64, 14), (576, 96, 7), (960, 160, 7), (320, 1280, 7), (16, 96, 28)]:
        convolution("pw", channels, filters, extent, 1, 1, [0] * 4, "onnxruntime")
    convolution("conv", 3, 32, 33, 3, 2, [1] * 4, "onnxruntime")
    convolution("conv", 32, 32, 14, 3, 1, [1] * 4, "onnxruntime")
    convolution("conv", 64, 48, 12, 3, 1, [1] * 4, "onnxruntime")
    for kind, channels, filters, extent, window in [("pw", 130, 40, 9, 1), ("conv", 31, 7, 11, 3), ("dw", 33, 33, 11, 3)]:
        convolution(kind, channels, filters, extent, window, 1, [window // 2] * 4, "bound")


def addition(mode):
    n = int(rng.integers(500, 2000))
    a, b = int8((1, 1, 1, n)), int8((1, 1, 1, n))
    (sa, za), (sb, zb), zy = (f32(0.01, 0.1), int8()), (f32(0.01, 0.1), int8()), int8()
    sy = f32(0.02, 0.2)
    if mode == "onnx":
        node = helper.make_node("QLinearAdd", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], ["y"], domain="com.microsoft")
        y = run(node, dict(a=a, b=b), dict(sa=sa, za=za, sb=sb, zb=zb, sy=sy, zy=zy))
    else:
        twice = 2 * max(float(sa), float(sb))
        wide = lambda v, z: (v.astype(np.int64) - int(z)) << 20
        total = (fixed_point(wide(a, za), *quantize_multiplier(float(sa) / twice))
                 + fixed_point(wide(b, zb), *quantize_multiplier(float(sb) / twice)))
        scaled = fixed_point(total, *quantize_multiplier(twice / ((1 << 20) * float(sy))))
        y = np.clip(scaled + int(zy), -128, 127).astype(np.int8)
    s = dict(batch=1, channels=1, filters=1, groups=1, extent=[1, n], window=[1, 1], pads=[0] * 4, strides=[1, 1],
             dilations=[1, 1])
    cases.append(dict(kind="add", operation="add", mode=mode, shape=s, x=[tensor(a), tensor(b)],
                      inputs=[[float(sa), int(za)], [float(sb), int(zb)]], output=[float(sy), int(zy)], y=tensor(y)))


def mean(mode):
    c, extent = int(rng.integers(8, 80)), [int(v) for v in rng.integers(2, 15, 2)]
    x, sx, zx = rng.integers(-128, 100, (1, c, *extent)).astype(np.int8), f32(0.01, 0.1), int8()
    sy, zy = (sx, zx) if mode == "tflite" else (f32(0.005, 0.05), int8())
    if mode == "onnx":
        node = helper.make_node("QLinearGlobalAveragePool", ["x", "sx", "zx", "sy", "zy"], ["y"], domain="com.microsoft",
                                channels_last=0)
        y = run(node, dict(x=x), dict(sx=sx, zx=zx, sy=sy, zy=zy))
    else:
        total, n = x.astype(np.int64).sum((2, 3)), extent[0] * extent[1]
        y = (np.sign(total) * ((np.abs(total) + n // 2) // n)).astype(np.int8)
    s = dict(batch=1, channels=c, filters=c, groups=c, extent=extent, window=extent, pads=[0] * 4, strides=[1, 1],
             dilations=[1, 1])
    cases.append(dict(kind="avgpool", operation="averagePool", mode=mode, shape=s, x=[tensor(x)],
                      inputs=[[float(sx), int(zx)]], output=[float(sy), int(zy)], y=tensor(y)))


for kind in ("dw", "pw", "conv", "grouped"):
    for per_channel in (False, True):
        for _ in range(27):
            quantized_convolution(kind, per_channel, "onnx")
        for _ in range(12):
            quantized_convolution(kind, per_channel, "tflite")
float_convolutions()
for mode in ("onnx", "tflite"):
    for _ in range(20):
        addition(mode)
        mean(mode)
blob.close()
with open(os.path.join(folder, "cases.json"), "w") as file:
    json.dump(dict(onnxruntime=onnxruntime.__version__, cases=cases), file)
