"""A bundle's int8_cudnn.py against a cuDNN and a PyTorch made of numpy, by the layouts that cuDNN documents.

    python int8_cudnn_cases.py FOLDER_OF_INT8_CUDNN
"""
import ctypes
import sys

import numpy

# The folder is one of sources.
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import int8_cudnn  # noqa: E402


class Tensor:
    is_cuda = False
    device = "cpu"

    def __init__(self, array):
        self.array = array

    shape = property(lambda self: self.array.shape)
    numel = lambda self: self.array.size
    double = lambda self: Tensor(self.array.astype(numpy.float64))
    permute = lambda self, *axes: Tensor(self.array.transpose(axes))
    reshape = lambda self, *shape: Tensor(self.array.reshape(shape))
    contiguous = lambda self: Tensor(numpy.ascontiguousarray(self.array))
    clamp = lambda self, low, high: Tensor(self.array.clip(low, high))
    to = lambda self, what: self if isinstance(what, str) else Tensor(self.array.astype(what))
    cpu = lambda self: self
    round = lambda self: Tensor(self.array.round())
    data_ptr = lambda self: self.array.ctypes.data


def convolved(x, w, stride, padding, dilation, groups):
    """Sums of N, C, H, W and K, C / groups, R, S, tap by tap."""
    n, _, h, width = x.shape
    k, c, r, s = w.shape
    x = numpy.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    rows = (h + 2 * padding[0] - (r - 1) * dilation[0] - 1) // stride[0] + 1
    columns = (width + 2 * padding[1] - (s - 1) * dilation[1] - 1) // stride[1] + 1
    y = numpy.zeros((n, k, rows, columns))
    for f in range(k):
        first = f // (k // groups) * c
        for i in range(r):
            for j in range(s):
                part = x[:, first:first + c, i * dilation[0]::stride[0], j * dilation[1]::stride[1]]
                y[:, f] += (part[:, :, :rows, :columns] * w[f, :, i, j][None, :, None, None]).sum(1)
    return y


class Module:
    def register_buffer(self, name, value):
        setattr(self, name, value)

    def __call__(self, *inputs):
        return self.forward(*inputs)


class Torch:
    int8, uint8, Tensor = numpy.int8, numpy.uint8, Tensor
    nn = type("nn", (), {"Module": Module})
    empty = staticmethod(lambda count, dtype, device: Tensor(numpy.full(count, 77, dtype)))
    zeros = staticmethod(lambda count, dtype, device: Tensor(numpy.zeros(count, dtype)))
    equal = staticmethod(lambda a, b: numpy.array_equal(a.array, b.array))

    class Generator:
        def manual_seed(self, seed):
            self.random = numpy.random.default_rng(seed)
            return self

    @staticmethod
    def randint(low, high, shape, generator):
        return Tensor(generator.random.integers(low, high, shape))


Torch.nn.functional = type("functional", (), {"conv2d": staticmethod(
    lambda x, w, bias, stride, padding, dilation, groups: Tensor(
        convolved(x.array, w.array, stride, padding, dilation, groups)))})


class Library:
    """cuDNN: descriptors by number; its algorithms 1 and 6 are right, 0 is wrong in one byte, others are not there."""

    def __init__(self):
        self.made, self.groups, self.runs = {}, {}, 0
        self.cudnnGetErrorString = lambda status: b"CUDNN_STATUS_NOT_SUPPORTED"
        for kind in ["", "TensorDescriptor", "FilterDescriptor", "ConvolutionDescriptor"]:
            setattr(self, "cudnnCreate" + kind, self.create)

    def create(self, out):
        self.made[len(self.made) + 1] = None
        out._obj.value = len(self.made)
        return 0

    def cudnnSetTensor4dDescriptor(self, made, form, kind, *shape):
        self.made[made.value] = (form, kind, shape)
        return 0

    def cudnnSetFilter4dDescriptor(self, made, kind, form, *shape):
        self.made[made.value] = (form, kind, shape)
        return 0

    def cudnnSetConvolution2dDescriptor(self, made, *values):
        self.made[made.value] = values
        assert values[6:] == (1, 4)
        return 0

    def cudnnSetConvolutionGroupCount(self, made, groups):
        self.groups[made.value] = groups
        return 0

    def cudnnSetConvolutionMathType(self, made, kind):
        return 0

    def cudnnGetConvolutionForwardWorkspaceSize(self, handle, x, w, convolution, y, algorithm, size):
        size._obj.value = 64 * algorithm
        return 0 if algorithm in (0, 1, 6) else 3000

    @staticmethod
    def plain(memory, form, shape):
        """N, C, H, W of what lies in memory."""
        n, c, h, w = shape
        if form == 0:
            return memory.reshape(shape)
        if form == 1:
            return memory.reshape(n, h, w, c).transpose(0, 3, 1, 2)
        return memory.reshape(n, c // 4, h, w, 4).transpose(0, 1, 4, 2, 3).reshape(shape)

    def at(self, pointer, made):
        form, kind, shape = self.made[made.value]
        assert kind == (5 if form == 2 else 3)
        memory = (ctypes.c_int8 * int(numpy.prod(shape))).from_address(pointer.value)
        return numpy.frombuffer(memory, numpy.int8), form, shape

    def cudnnConvolutionForward(
            self, handle, alpha, x, at_x, w, at_w, convolution, algorithm, space, size, beta, y, at_y):
        assert (alpha._obj.value, beta._obj.value) == (1, 0) and size.value == max(1, 64 * algorithm)
        self.runs += 1
        pad_rows, pad_columns, *steps = self.made[convolution.value][:6]
        sums = convolved(
            self.plain(*self.at(at_x, x)).astype(float), self.plain(*self.at(at_w, w)).astype(float), steps[:2],
            (pad_rows, pad_columns), steps[2:], self.groups[convolution.value]).clip(-128, 127).astype(numpy.int8)
        memory, form, shape = self.at(at_y, y)
        assert sums.shape == shape
        n, c, h, width = shape
        memory[:] = (
            sums if form == 0 else sums.transpose(0, 2, 3, 1) if form == 1
            else sums.reshape(n, c // 4, 4, h, width).transpose(0, 1, 3, 4, 2)).reshape(-1)
        memory[0] += algorithm == 0
        return 0


def layer(channels, filters, window, stride, groups, **others):
    return dict(
        dict(batch=2, channels=channels, rows=9, columns=7, filters=filters, window_rows=window, window_columns=window,
             stride_rows=stride, stride_columns=stride, pad_top=window // 2, pad_bottom=window // 2,
             pad_left=window // 2, pad_right=window // 2, dilation_rows=1, dilation_columns=1, groups=groups),
        **others)


def outcomes(convolutions):
    cudnn = int8_cudnn.CuDNN()
    # The later of equals is slower, the first right one the fastest.
    times = iter(range(100))
    return {
        form: made or why for form, made, why in int8_cudnn.modules(
            Torch, cudnn, convolutions, device="cpu", time=lambda torch, body: (body(), next(times))[1])}


int8_cudnn.library = Library
pair = outcomes([layer(8, 8, 3, 2, 8), layer(8, 12, 1, 1, 1, rows=5, columns=4)])
for form in ("nchw", "nhwc"):
    module, x = pair[form]
    assert [l.algorithm for l in module.layers] == [1, 1], pair
    assert module(x).numel() == 2 * 12 * 5 * 4
assert "multiples of 4" in pair["nchw4"], pair
dense = outcomes([layer(8, 4, 3, 1, 1, dilation_rows=2, pad_top=0, pad_bottom=0), layer(4, 16, 1, 1, 1, rows=5)])
assert all(dense[form][0].layers[1].algorithm == 1 for form in ("nchw", "nhwc", "nchw4")), dense
uneven = outcomes([layer(8, 8, 3, 2, 8, pad_top=0)])
assert all("both sides" in why for why in uneven.values()), uneven

# Where no algorithm is right, the reason is said and nothing is timed.
Library.cudnnGetConvolutionForwardWorkspaceSize = lambda *all: 0 if all[-2] == 0 else 3000
wrong = outcomes([layer(8, 8, 3, 1, 8)])
assert all("other results" in wrong[form] and "NOT_SUPPORTED" in wrong[form] for form in ("nchw", "nhwc")), wrong
print("int8_cudnn: as cuDNN documents")
