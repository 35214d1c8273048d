"""INT8 convolutions of cuDNN, which PyTorch does not call: cuDNN by ctypes, its memory and streams by PyTorch.

A layer is y = clamp(Σ x · w) of signed bytes with 32-bit sums, without bias and activation, by the fastest of cuDNN's
algorithms whose result is that in every byte. cuDNN's own names: CUDNN_DATA_INT8, CUDNN_TENSOR_NCHW_VECT_C, ….
"""
import ctypes
import glob
import os
import sys

INT8, INT32, INT8X4 = 3, 4, 5
NCHW, NHWC, NCHW_VECT_C = 0, 1, 2
CROSS_CORRELATION, TENSOR_OP_MATH, ALGORITHMS = 1, 1, 8
# Name, format, type and channels that lie together.
FORMS = [("nchw", NCHW, INT8, 1), ("nhwc", NHWC, INT8, 1), ("nchw4", NCHW_VECT_C, INT8X4, 4)]
TRIAL_RUNS = 20


class Unsupported(Exception):
    """What cuDNN does not do, in words."""


def library():
    """cuDNN as PyTorch has loaded it, or where PyPI puts it."""
    packaged = [f for p in sys.path for f in sorted(glob.glob(os.path.join(p, "nvidia/cudnn/lib/libcudnn.so.*")))]
    for name in ["libcudnn.so.9", "libcudnn.so.8", *packaged]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Unsupported("libcudnn is not found")


class CuDNN:
    """A handle, and calls that fail in words."""

    def __init__(self):
        self.library = library()
        self.handle = self.make("cudnnCreate")
        # Of each layer's sizes and form: the algorithm, or in words why there is none.
        self.chosen = {}

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status != 0:
            describe = self.library.cudnnGetErrorString
            describe.restype = ctypes.c_char_p
            raise Unsupported(f"{name}: {describe(status).decode()}")

    def make(self, name):
        made = ctypes.c_void_p()
        self.call(name, ctypes.byref(made))
        # As a number: a module that holds it can be copied.
        return made.value

    def tensor(self, form, shape):
        made = self.make("cudnnCreateTensorDescriptor")
        self.call("cudnnSetTensor4dDescriptor", ctypes.c_void_p(made), form[1], form[2], *shape)
        return made

    def filters(self, form, shape):
        made = self.make("cudnnCreateFilterDescriptor")
        self.call("cudnnSetFilter4dDescriptor", ctypes.c_void_p(made), form[2], form[1], *shape)
        return made

    def convolution(self, c):
        made = self.make("cudnnCreateConvolutionDescriptor")
        pointer = ctypes.c_void_p(made)
        self.call(
            "cudnnSetConvolution2dDescriptor", pointer, c["pad_top"], c["pad_left"], c["stride_rows"],
            c["stride_columns"], c["dilation_rows"], c["dilation_columns"], CROSS_CORRELATION, INT32)
        self.call("cudnnSetConvolutionGroupCount", pointer, c["groups"])
        self.call("cudnnSetConvolutionMathType", pointer, TENSOR_OP_MATH)
        return made


def output_size(c, axis, before, after):
    reach = (c[f"window_{axis}"] - 1) * c[f"dilation_{axis}"] + 1
    return (c[axis] + c[before] + c[after] - reach) // c[f"stride_{axis}"] + 1


class Layer:
    """A convolution in a form: its shapes and descriptors."""

    def __init__(self, cudnn, c, form):
        if (c["pad_top"], c["pad_left"]) != (c["pad_bottom"], c["pad_right"]):
            raise Unsupported("cuDNN pads both sides alike")
        self.form = form
        rows = output_size(c, "rows", "pad_top", "pad_bottom")
        columns = output_size(c, "columns", "pad_left", "pad_right")
        self.x_shape = (c["batch"], c["channels"], c["rows"], c["columns"])
        self.w_shape = (c["filters"], c["channels"] // c["groups"], c["window_rows"], c["window_columns"])
        self.y_shape = (c["batch"], c["filters"], rows, columns)
        if any(shape[1] % form[3] for shape in (self.x_shape, self.w_shape, self.y_shape)):
            raise Unsupported(f"channels are no multiples of {form[3]}")
        self.geometry = c
        self.cudnn = cudnn
        self.x = cudnn.tensor(form, self.x_shape)
        self.w = cudnn.filters(form, self.w_shape)
        self.y = cudnn.tensor(form, self.y_shape)
        self.convolution = cudnn.convolution(c)
        self.algorithm = None

    def __deepcopy__(self, memo):
        return self

    def workspace_bytes(self, algorithm):
        size = ctypes.c_size_t()
        self.cudnn.call(
            "cudnnGetConvolutionForwardWorkspaceSize", *map(
                ctypes.c_void_p, (self.cudnn.handle, self.x, self.w, self.convolution, self.y)),
            algorithm, ctypes.byref(size))
        return size.value

    def run(self, torch, x, w, algorithm):
        y = torch.empty(count(self.y_shape), dtype=torch.int8, device=x.device)
        workspace = torch.empty(max(1, self.workspace_bytes(algorithm)), dtype=torch.uint8, device=x.device)
        handle = ctypes.c_void_p(self.cudnn.handle)
        if x.is_cuda:
            self.cudnn.call("cudnnSetStream", handle, ctypes.c_void_p(torch.cuda.current_stream().cuda_stream))
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        p = ctypes.c_void_p
        self.cudnn.call(
            "cudnnConvolutionForward", handle, ctypes.byref(one), p(self.x), p(x.data_ptr()), p(self.w),
            p(w.data_ptr()), p(self.convolution), algorithm, p(workspace.data_ptr()),
            ctypes.c_size_t(workspace.numel()), ctypes.byref(zero), p(self.y), p(y.data_ptr()))
        return y


def count(shape):
    total = 1
    for extent in shape:
        total *= extent
    return total


def in_memory(values, form):
    """A tensor of N, C, H, W as it lies in memory in a form."""
    if form[1] == NHWC:
        values = values.permute(0, 2, 3, 1)
    elif form[1] == NCHW_VECT_C:
        n, c, h, w = values.shape
        values = values.reshape(n, c // form[3], form[3], h, w).permute(0, 1, 3, 4, 2)
    return values.contiguous().reshape(-1)


def choose(torch, layer, device, time):
    """Sets the algorithm: the fastest whose bytes are right. Layers of the same sizes have the same."""
    known = layer.cudnn.chosen
    key = (layer.form, *layer.geometry.items())
    if key not in known:
        known[key] = fastest(torch, layer, device, time)
    layer.algorithm, why = known[key]
    if layer.algorithm is None:
        raise Unsupported(why)


def fastest(torch, layer, device, time):
    """The algorithm, or none and why. Values are so small that few sums are clamped."""
    random = torch.Generator().manual_seed(7)
    x = torch.randint(-2, 3, layer.x_shape, generator=random)
    w = torch.randint(-2, 3, layer.w_shape, generator=random)
    c = layer.geometry
    # Whole numbers, whatever algorithm makes them.
    try:
        sums = torch.nn.functional.conv2d(
            x.to(device).double(), w.to(device).double(), None, (c["stride_rows"], c["stride_columns"]),
            (c["pad_top"], c["pad_left"]), (c["dilation_rows"], c["dilation_columns"]), c["groups"]).round()
    except RuntimeError as error:
        return None, f"what is right is not known: {str(error).splitlines()[0]}"
    expected = in_memory(sums.clamp(-128, 127).to(torch.int8), layer.form).cpu()
    x, w = (in_memory(v.to(torch.int8), layer.form).to(device) for v in (x, w))
    best, chosen, why = None, None, []
    for algorithm in range(ALGORITHMS):
        try:
            if not torch.equal(layer.run(torch, x, w, algorithm).cpu(), expected):
                why.append(f"algorithm {algorithm} has other results")
                continue
            microseconds = time(torch, lambda: layer.run(torch, x, w, algorithm))
        except (Unsupported, RuntimeError) as error:
            why.append(f"algorithm {algorithm}: {str(error).splitlines()[0]}")
            continue
        if best is None or microseconds < best:
            best, chosen = microseconds, algorithm
    return chosen, "; ".join(sorted(set(why)))


def graph_time(torch, body):
    """Microseconds of `body`, of runs that follow one another in a graph."""
    body()
    torch.cuda.synchronize()
    graph, keep = torch.cuda.CUDAGraph(), []
    with torch.cuda.graph(graph):
        for _ in range(TRIAL_RUNS):
            keep.append(body())
    graph.replay()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    graph.replay()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) * 1000 / TRIAL_RUNS


def chain(torch, cudnn, convolutions, form, device, time):
    """The layers one after the other as a module, and an input of it as it lies in memory."""
    layers = []
    for c in convolutions:
        layer = Layer(cudnn, c, form)
        try:
            choose(torch, layer, device, time)
        except Unsupported as error:
            raise Unsupported(
                f"of a window of {c['window_rows']} x {c['window_columns']} in {c['groups']} groups cuDNN has no "
                f"algorithm: {error}") from None
        layers.append(layer)

    class Chain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers
            for i, layer in enumerate(layers):
                self.register_buffer(f"weight{i}", torch.zeros(count(layer.w_shape), dtype=torch.int8, device=device))

        def forward(self, x):
            for i, layer in enumerate(self.layers):
                x = layer.run(torch, x, getattr(self, f"weight{i}"), layer.algorithm)
            return x

    return Chain(), torch.zeros(count(layers[0].x_shape), dtype=torch.int8, device=device)


def modules(torch, cudnn, convolutions, device="cuda", time=graph_time):
    """Of each form its name, and a module with its input or else why there is none."""
    for form in FORMS:
        try:
            yield form[0], chain(torch, cudnn, convolutions, form, device, time), None
        except Unsupported as error:
            yield form[0], None, str(error)
