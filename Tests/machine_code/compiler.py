"""The compiler of the kernels' texts, which needs no GPU."""
import ctypes
import glob
import pathlib
import sys

TEXTS = pathlib.Path(__file__).parents[2] / "Sources/KernelSources/Resources"


class NVRTC:
    """The compiler, with the kernels' texts of a folder."""

    def __init__(self, headers=TEXTS):
        folders = [p for base in sys.path for p in glob.glob(base + "/nvidia/*/lib")]
        libraries = sorted(f for d in folders for f in glob.glob(d + "/libnvrtc*.so*") if ".alt." not in f)
        if not libraries:
            sys.exit("machine-code: no NVRTC: pip install nvidia-cuda-nvrtc nvidia-cuda-runtime")
        # The compiler opens its builtins by bare name, so they must be there first.
        for library in sorted(libraries, key=lambda f: "builtins" not in f):
            self.library = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        names = [h.name for h in sorted(headers.glob("*.cu*"))]
        self.names = (ctypes.c_char_p * len(names))(*[n.encode() for n in names])
        self.texts = (ctypes.c_char_p * len(names))(*[(headers / n).read_bytes() for n in names])

    def text(self, program, kind):
        size, get = ctypes.c_size_t(), f"nvrtcGet{kind}"
        getattr(self.library, get + "Size")(program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        getattr(self.library, get)(program, buffer)
        return buffer.raw

    def compile(self, source, architecture):
        """The log and the machine code; the latter is None where the source does not compile."""
        program = ctypes.c_void_p()
        self.library.nvrtcCreateProgram(
            ctypes.byref(program), source.encode(), b"kernel.cu", len(self.names), self.texts, self.names)
        options = [
            f"--gpu-architecture=sm_{architecture}", "--std=c++17", "--fmad=false", "--ftz=false",
            "--prec-div=true", "--ptxas-options=-v"]
        status = self.library.nvrtcCompileProgram(
            program, len(options), (ctypes.c_char_p * len(options))(*[o.encode() for o in options]))
        log = self.text(program, "ProgramLog").decode(errors="replace")
        code = self.text(program, "CUBIN") if status == 0 else None
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        return log, code
