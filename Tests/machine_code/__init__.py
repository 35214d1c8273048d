"""Machine code of the kernels without a GPU: NVRTC compiles them, nvdisasm takes them apart, and an interpreter runs them, for their
results and for what they execute. Both come from PyPI (nvidia-cuda-nvrtc, nvidia-cuda-runtime, nvidia-cuda-nvdisasm)."""
from .agreement import disagreements, run_and_compare
from .bundle import Bundle
from .compiler import NVRTC
from .disassembly import Disassembly, disassembler, size_of
from .interpreter import Interpreter

__all__ = ["Bundle", "Disassembly", "Interpreter", "NVRTC", "disagreements", "disassembler", "run_and_compare",
           "size_of"]
