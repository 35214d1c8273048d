"""What `fuselab cuda bundle` writes: kernels, what they are given and what must come out."""
import pathlib

from .interpreter import Data

# Number of the result among a kernel's parameters.
RESULT = 18


class BundledKernel:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.layers, self.operands, self.counters = "", {}, {}
        self.blocks = self.threads = self.shared_bytes = 0
        self.result_bytes, self.expected = 0, None

    def source(self):
        return (self.folder / "kernels" / f"{self.name}.cu").read_text()

    def data(self, architecture):
        files = {number: self.folder / "data" / digest for number, digest in self.operands.items()}
        return Data(architecture, self.shared_bytes, files, RESULT, self.result_bytes)

    def expected_bytes(self):
        return (self.folder / "data" / self.expected).read_bytes()


class Bundle:
    """The kernels of a folder, and whether they were counted for a GPU that copies asynchronously."""

    def __init__(self, folder):
        self.kernels, self.element_type = [], ""
        folder = pathlib.Path(folder)
        for line in (folder / "bundle.txt").read_text(encoding="ascii").splitlines():
            key, *words = line.split(" ")
            if key == "element-type":
                self.element_type = words[0]
            elif key == "kernel":
                self.kernels.append(BundledKernel(folder, words[0]))
            elif key == "layers":
                self.kernels[-1].layers = " ".join(words)
            elif key == "launch":
                self.kernels[-1].blocks, self.kernels[-1].threads, self.kernels[-1].shared_bytes = map(int, words)
            elif key == "operand":
                self.kernels[-1].operands[int(words[0])] = words[1]
            elif key == "expected":
                self.kernels[-1].expected, self.kernels[-1].result_bytes = words[0], int(words[1])
            elif key in ("counter", "work"):
                self.kernels[-1].counters[words[0]] = int(words[1])
        self.is_asynchronous = any(k.counters["smsp__inst_executed_op_ldgsts.sum"] > 0 for k in self.kernels)
