#!/usr/bin/env python3
"""Checks and times this bundle's kernels on the GPU of this machine, and measures what the simulator predicts.

    python3 run.py                     everything that this machine can do
    python3 run.py --runs 100          more runs
    python3 run.py --skip torch,ncu    only the kernels' values and times
    python3 run.py --ncu-runs 5        counters of five whole runs, for the spread between them
    python3 run.py --places            also the multiprocessor that each block runs on, for fuselab simulate --code

1. fuselab-gpu check: every kernel's output, byte by byte.
2. fuselab-gpu bench: every kernel's time, each fused one beside its layers' own kernels, cold and warm L2.
3. PyTorch, where it is installed (FP32 without TF32), timed in the same way: a graph is replayed, cold runs take other
   copies in turn that exceed twice the L2. Each in both layouts, NCHW and NHWC:
     convolutions  by cuDNN's fastest algorithm (depthwise in NCHW by PyTorch's own kernel), without biases and activations,
                   so no less than this is needed; speed-ups are against the faster layout of this. In INT8 only this, by
                   cuDNN alone, which PyTorch does not call for it, in cuDNN's layout of four channels together, too
     eager         with biases and activations, each a kernel of its own; only from a cold L2
     compile       torch.compile, which may join those to others; only from a cold L2
4. Nsight Compute, where ncu is found: each counter that the simulator predicts. No clock or mode of the GPU is touched.

Results go to results.json, ncu's own table to counters.csv. Exit status: 0 all kernels are equal, 1 not, else that of
fuselab-gpu. Python 3.8 or newer; nothing but its own library is needed.
"""
import argparse
import copy
import csv
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

import int8_cudnn

HERE = pathlib.Path(__file__).resolve().parent
FIELDS = (
    "batch channels rows columns filters window_rows window_columns stride_rows stride_columns pad_top pad_bottom "
    "pad_left pad_right dilation_rows dilation_columns groups bias activation").split()
LEAST_PASSES, MOST_COPIES = 20, 2048
# A graph that takes long is not replayed so often as is asked for.
ENOUGH_RUNS, ENOUGH_MICROSECONDS = 3, 1e6


def manifest():
    """The facts of bundle.txt that this script needs."""
    bundle = {"kernels": {}, "compare": []}
    kernel = None
    for line in (HERE / "bundle.txt").read_text(encoding="ascii").splitlines():
        key, *words = line.split(" ")
        if key == "kernel":
            kernel = {"counters": {}, "convolutions": [], "operands": {}}
            bundle["kernels"][words[0]] = kernel
        elif key == "compare":
            bundle["compare"].append(words)
        elif key == "counter":
            kernel["counters"][words[0]] = int(words[1])
        elif key == "convolution":
            kernel["convolutions"].append(dict(zip(FIELDS, map(int, words))))
        elif key == "operand":
            kernel["operands"][int(words[0])] = words[1]
        elif key == "expected":
            kernel["expected"] = words[0]
        elif key == "function":
            kernel["function"] = words[0]
        elif key in ("network", "element-type", "layout", "gpu", "batch"):
            bundle[key] = words[0]
    return bundle


def tool(options, *words):
    command = [str(options.tool), words[0], str(HERE), "--json", "--device", str(options.device), *words[1:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode > 1:
        sys.exit(done.returncode)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[0], lines[1:]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


# PyTorch.

def floats(digest, shape, torch):
    data = bytearray((HERE / "data" / digest).read_bytes())
    return torch.frombuffer(data, dtype=torch.float32).reshape(shape).clone()


def feature_map(digest, shape, layout, torch):
    """A map of N, C, H, W; where the bundle's are NHWC it lies so here too."""
    if layout == "nchw":
        return floats(digest, shape, torch)
    n, c, h, w = shape
    return floats(digest, (n, h, w, c), torch).permute(0, 3, 1, 2)


def convolution_chain(torch, kernel, bare):
    """The kernel's layers as a module; its weights are those of the bundle. A bare one has no bias and no activation."""
    class Chain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stages = kernel["convolutions"]
            for i, c in enumerate(self.stages):
                shape = (c["filters"], c["channels"] // c["groups"], c["window_rows"], c["window_columns"])
                self.register_buffer(f"weight{i}", floats(kernel["operands"][2 + i], shape, torch))
                has_bias = c["bias"] and not bare
                self.register_buffer(
                    f"bias{i}", floats(kernel["operands"][6 + i], (c["filters"],), torch) if has_bias else None)

        def forward(self, x):
            for i, c in enumerate(self.stages):
                padding = (c["pad_left"], c["pad_right"], c["pad_top"], c["pad_bottom"])
                symmetric = padding[0] == padding[1] and padding[2] == padding[3]
                if not symmetric:
                    x = torch.nn.functional.pad(x, padding)
                x = torch.nn.functional.conv2d(
                    x, getattr(self, f"weight{i}"), getattr(self, f"bias{i}"),
                    (c["stride_rows"], c["stride_columns"]), (padding[2], padding[0]) if symmetric else 0,
                    (c["dilation_rows"], c["dilation_columns"]), c["groups"])
                if c["activation"] == 1 and not bare:
                    x = torch.relu(x)
                elif c["activation"] == 2 and not bare:
                    x = torch.nn.functional.relu6(x)
            return x

    return Chain()


def time_module(torch, module, x, run, options, cold, cache):
    """Microseconds of each replay's mean pass. `run` calls a module, compiled or not."""
    each = x.element_size() * (x.numel() + module(x).numel() + sum(b.numel() for b in module.buffers()))
    count = min(max(2, 2 * cache // each + 1), MOST_COPIES) if cold else 1
    modules = [module] + [copy.deepcopy(module) for _ in range(count - 1)]
    inputs = [x] + [x.clone() for _ in range(count - 1)]
    passes = (LEAST_PASSES + count - 1) // count * count
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            for m, i in zip(modules, inputs):
                run(m, i)
    torch.cuda.current_stream().wait_stream(side)
    graph, keep = torch.cuda.CUDAGraph(), []
    with torch.cuda.graph(graph):
        for p in range(passes):
            # Results stay alive, so each copy has an output of its own.
            keep.append(run(modules[p % count], inputs[p % count]))
            keep = keep[-count:]
    for _ in range(options.warmup):
        graph.replay()
    times = []
    for _ in range(options.runs):
        if len(times) >= ENOUGH_RUNS and sum(times) * passes > ENOUGH_MICROSECONDS:
            break
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1000 / passes)
    return times


def time_kernel(torch, options, bundle, kernel, compiled, cache):
    """The layers of a fused kernel, in each way, layout and state of the L2."""
    first = kernel["convolutions"][0]
    shape = (first["batch"], first["channels"], first["rows"], first["columns"])
    plain = feature_map(kernel["operands"][0], shape, bundle["layout"], torch).cuda()
    for layout, form in [("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)]:
        x = plain.contiguous(memory_format=form)
        whole = convolution_chain(torch, kernel, False).cuda().to(memory_format=form)
        y = whole(x)
        expected = feature_map(kernel["expected"], y.shape, bundle["layout"], torch).cuda()
        # Verified before it is timed; the sums are in another order.
        if (y - expected).abs().max().item() > 1e-4 * max(expected.abs().max().item(), 1e-30):
            yield {"layout": layout, "failure": "PyTorch's result differs"}
            continue
        bare = convolution_chain(torch, kernel, True).cuda().to(memory_format=form)
        for by, module, run in [
                ("convolutions", bare, lambda m, i: m(i)), ("eager", whole, lambda m, i: m(i)),
                ("compile", whole, compiled)]:
            states = () if run is None else ("cold", "warm") if by == "convolutions" else ("cold",)
            for l2 in states:
                row = {"by": by, "layout": layout, "l2": l2}
                try:
                    times = time_module(torch, module, x, run, options, l2 == "cold", cache)
                    yield {**row, "microseconds": times, "median_us": median(times)}
                except RuntimeError as error:
                    yield {**row, "failure": str(error).splitlines()[0]}


def time_int8_kernel(torch, options, cudnn, kernel, cache):
    """The layers of a fused kernel by cuDNN, in each of its layouts and state of the L2."""
    for layout, chain, failure in int8_cudnn.modules(torch, cudnn, kernel["convolutions"]):
        if failure:
            yield {"by": "convolutions", "layout": layout, "failure": failure}
            continue
        for l2 in ("cold", "warm"):
            times = time_module(torch, *chain, lambda m, i: m(i), options, l2 == "cold", cache)
            yield {"by": "convolutions", "layout": layout, "l2": l2, "microseconds": times, "median_us": median(times)}


def compare_with_torch(options, bundle, skip):
    try:
        import torch
    except ImportError:
        return {"skipped": "PyTorch is not installed"}
    if not torch.cuda.is_available():
        return {"skipped": "PyTorch finds no GPU"}
    torch.cuda.set_device(options.device)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    cache = torch.cuda.get_device_properties(options.device).L2_cache_size
    is_int8 = bundle["element-type"] == "int8"
    try:
        cudnn = int8_cudnn.CuDNN() if is_int8 else None
    except int8_cudnn.Unsupported as error:
        return {"skipped": str(error)}
    compiled = None
    if not is_int8 and "compile" not in skip:
        compiled = torch.compile(lambda m, i: m(i), mode="max-autotune-no-cudagraphs")
    # Layers of the same sizes are timed once; their rows name the kernel that was.
    results, known = [], {}
    with torch.no_grad():
        for fused, *_ in bundle["compare"]:
            kernel = bundle["kernels"][fused]
            if not kernel["convolutions"]:
                continue
            sizes = tuple(tuple(c.values()) for c in kernel["convolutions"])
            if sizes not in known:
                known[sizes] = fused, list(
                    time_int8_kernel(torch, options, cudnn, kernel, cache) if is_int8
                    else time_kernel(torch, options, bundle, kernel, compiled, cache))
            timed, rows = known[sizes]
            results += [{"kernel": fused, "timed": timed, **row} for row in rows]
    return {
        "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "cuda": torch.version.cuda,
        "rows": results,
    }


def speed_ups(torch_rows, bench_rows, by, l2):
    """Of each fused kernel over the faster layout of PyTorch."""
    own = {r["kernel"]: r["median_us"] for r in bench_rows if r.get("l2") == l2 and "median_us" in r}
    theirs = {}
    for row in torch_rows:
        if row.get("by") == by and row.get("l2") == l2 and "median_us" in row:
            theirs.setdefault(row["kernel"], []).append(row["median_us"])
    return {name: min(times) / own[name] for name, times in theirs.items() if name in own}


# Nsight Compute.

def measure_counters(options, bundle, checks):
    if shutil.which("ncu") is None:
        return {"skipped": "ncu is not found"}
    metrics = sorted({m for k in bundle["kernels"].values() for m in k["counters"]})
    command = [
        "ncu", "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none", "--cache-control", "all",
        "--kernel-name", "regex:^fcm_", "--metrics", ",".join(metrics), str(options.tool), "launch", str(HERE),
        "--device", str(options.device), "--runs", str(options.ncu_runs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    start = done.stdout.find('"ID"')
    if done.returncode != 0 or start < 0:
        return {"skipped": "ncu failed: " + " ".join(done.stdout.split())[-400:]}
    (HERE / "counters.csv").write_text(done.stdout[start:], encoding="utf-8")
    table = [row for row in csv.DictReader(done.stdout[start:].splitlines()) if row["ID"].isdigit()]
    results = []
    # DRAM's reads have the machine code in them, the prediction has not.
    code = {c["kernel"]: c.get("code_bytes") for c in checks}
    for (name, kernel), row in zip(list(bundle["kernels"].items()) * options.ncu_runs, table):
        for metric, predicted in kernel["counters"].items():
            text = (row.get(metric) or "").replace(",", "")
            try:
                measured = float(text)
            except ValueError:
                continue
            results.append({"kernel": name, "metric": metric, "predicted": predicted, "measured": measured})
            if metric == "dram__bytes_read.sum":
                results[-1]["code_bytes"] = code.get(name)
    exact = sum(r["predicted"] == r["measured"] for r in results)
    return {"rows": results, "equal": exact, "compared": len(results), "kernels": len(table)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", type=pathlib.Path, default=HERE / "fuselab-gpu", help="fuselab-gpu's path")
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--runs", type=int, default=20, help="fewer, 3 at least, of what takes a second in all")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--ncu-runs", type=int, default=1)
    parser.add_argument("--places", action="store_true", help="note the multiprocessor of each block")
    parser.add_argument("--skip", default="", help="bench, torch, compile or ncu, divided by commas")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=HERE / "results.json")
    options = parser.parse_args()
    skip = set(filter(None, options.skip.split(",")))
    if skip - {"bench", "torch", "compile", "ncu"}:
        parser.error("--skip takes bench, torch, compile or ncu")
    if not os.access(options.tool, os.X_OK):
        sys.exit(f"run.py: {options.tool} is missing or cannot be run: name fuselab-gpu with --tool")
    bundle = manifest()
    device, checks = tool(options, "check", *(["--places"] if options.places else []))
    wrong = [c for c in checks if not c["equal"]]
    print(f"{device['device']}: {len(checks) - len(wrong)} of {len(checks)} kernels equal")
    for c in wrong:
        print(f"  {c['kernel']} {c['kind']}: {c['failure']}")
    results = {"device": device, "check": checks}
    if "bench" not in skip:
        times = ["--warmup", str(options.warmup), "--runs", str(options.runs)]
        results["device"], rows = tool(options, "bench", *times)
        results["bench"] = rows
        for l2 in ("cold", "warm"):
            ratios = [r["layers_median_us"] / r["median_us"] for r in rows if r.get("l2") == l2 and r["layers_median_us"]]
            if ratios:
                print(f"own layers' time / fused time, {l2} L2: geometric mean {geometric_mean(ratios):.2f}, "
                      f"best {max(ratios):.2f}, worst {min(ratios):.2f}")
        results["torch"] = {"skipped": "asked for"} if "torch" in skip else compare_with_torch(options, bundle, skip)
        for by in ("convolutions", "eager", "compile"):
            ratios = speed_ups(results["torch"].get("rows", []), rows, by, "cold").values()
            if ratios:
                print(f"PyTorch's time ({by}) / fused time, cold L2: geometric mean {geometric_mean(ratios):.2f}, "
                      f"best {max(ratios):.2f}, worst {min(ratios):.2f}")
        if "skipped" in results["torch"]:
            print("PyTorch: skipped:", results["torch"]["skipped"])
    results["counters"] = {"skipped": "asked for"} if "ncu" in skip else measure_counters(options, bundle, checks)
    counters = results["counters"]
    if "skipped" in counters:
        print("counters: skipped:", counters["skipped"])
    else:
        print(f"counters: {counters['equal']} of {counters['compared']} as predicted, {counters['kernels']} launches")
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("wrote", options.output)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
