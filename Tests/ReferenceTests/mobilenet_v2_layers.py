"""The layers of a quantized MobileNetV2 in QDQ form, and a check of what was computed for them.

usage: mobilenet_v2_layers.py layers DATA FOLDER          writes FOLDER/cases.json and FOLDER/blob.bin
       mobilenet_v2_layers.py check DATA FOLDER COLUMN    compares FOLDER/<tensor>.bin with a column of hashes
DATA holds mobilenet_v2_int8.onnx, input.npy and tensor_sha256.csv. Feature maps are NCHW, int8 (the file's uint8
less 128). The check writes the names of tensors that differ to FOLDER/wrong.txt, one a line."""
import csv
import hashlib
import json
import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

command, data, folder = sys.argv[1:4]


def layers():
    graph = onnx.load(os.path.join(data, "mobilenet_v2_int8.onnx")).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    source = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "DequantizeLinear"}
    quantized = {n.input[0]: n.output[0] for n in graph.node if n.op_type == "QuantizeLinear"}
    shapes = {"t109": [1, 3, 224, 224]}
    cases = []
    with open(os.path.join(folder, "blob.bin"), "wb") as blob:

        def tensor(values):
            offset = blob.tell()
            blob.write(np.ascontiguousarray(values).tobytes())
            return [offset, int(values.size)]

        def quantization(name):
            return [float(constants[name + "_scale"]), int(constants[name + "_zp"]) - 128]

        image = (np.load(os.path.join(data, "input.npy")).reshape(1, 3, 224, 224).astype(np.int16) - 128).astype(np.int8)
        cases.append(dict(name="t109", kind="input", operation="input", mode="int8", y=tensor(image), shape=dict(
            batch=1, channels=3, filters=3, groups=3, extent=[224, 224], window=[1, 1], pads=[0] * 4, strides=[1, 1],
            dilations=[1, 1])))
        for node in graph.node:
            if node.op_type not in ("Conv", "Add", "GlobalAveragePool", "Gemm"):
                continue
            given = node.output[0]
            if node.op_type == "GlobalAveragePool":
                given = next(n.output[0] for n in graph.node if n.op_type == "Flatten" and n.input[0] == given)
            name = quantized[given]
            reads = [source[i] for i in node.input if source[i] in shapes]
            n, channels, *extent = shapes[reads[0]]
            case = dict(name=name, reads=reads, kind=node.op_type, mode="int8", inputs=[quantization(r) for r in reads],
                        output=quantization(name))
            shape = dict(batch=n, channels=channels, filters=channels, groups=channels, extent=extent, window=[1, 1],
                         pads=[0] * 4, strides=[1, 1], dilations=[1, 1])
            if node.op_type in ("Conv", "Gemm"):
                case["operation"] = "convolution"
                w, b = (source[i] for i in node.input[1:3])
                found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
                weights = constants[w]
                shape.update(filters=weights.shape[0], groups=found.get("group", 1), pads=found.get("pads", [0] * 4),
                             strides=found.get("strides", [1, 1]), window=found.get("kernel_shape", [1, 1]))
                assert not np.any(constants[w + "_zp"])
                case.update(w=tensor(weights), b=tensor(constants[b]),
                            weightScales=[float(v) for v in np.atleast_1d(constants[w + "_scale"])])
            elif node.op_type == "Add":
                case["operation"] = "add"
            else:
                case["operation"] = "averagePool"
                shape["window"] = extent
            size = [(extent[a] + shape["pads"][a] + shape["pads"][a + 2] - shape["window"][a]) // shape["strides"][a] + 1
                    for a in (0, 1)]
            shapes[name] = [n, shape["filters"], *size]
            case["shape"] = shape
            cases.append(case)
    with open(os.path.join(folder, "cases.json"), "w") as file:
        json.dump(dict(onnxruntime="", cases=cases), file)


def check(column):
    wrong, found = [], 0
    with open(os.path.join(data, "tensor_sha256.csv")) as file:
        for row in csv.DictReader(file):
            path = os.path.join(folder, row["tensor"] + ".bin")
            if os.path.exists(path):
                found += 1
                if hashlib.sha256(open(path, "rb").read()).hexdigest() != row[column]:
                    wrong.append(row["tensor"])
    with open(os.path.join(folder, "wrong.txt"), "w") as file:
        file.write("".join(name + "\n" for name in wrong) if found else "nothing was computed\n")


if command == "layers":
    layers()
else:
    check(sys.argv[4])
