"""Machine code of the kernels without a GPU: NVRTC compiles them, nvdisasm takes them apart, and an interpreter runs them to count
the instructions that each warp executes. Both come from PyPI (nvidia-cuda-nvrtc, nvidia-cuda-runtime, nvidia-cuda-nvdisasm)."""
import collections
import ctypes
import glob
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).parent


class NVRTC:
    """The compiler, with the kernels' texts of a folder."""

    def __init__(self, headers=TESTS.parent / "Sources/KernelSources/Resources"):
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


def disassembler():
    for base in sys.path:
        for path in glob.glob(base + "/nvidia/*/bin/nvdisasm"):
            return path
    return None


def bytes_of(operation):
    return (
        16 if ".128" in operation else 8 if ".64" in operation
        else 2 if re.search(r"\.[SU]16", operation) else 1 if re.search(r"\.[SU]8", operation) else 4)


Line = collections.namedtuple("Line", "address guard operation operands")


class Disassembly:
    """The instructions of a kernel in order, and its innermost loops."""

    def __init__(self, nvdisasm, code):
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(code)
            file.flush()
            text = subprocess.run([nvdisasm, "-c", file.name], capture_output=True, check=True).stdout.decode(
                errors="replace")
        # All of them, and where each label stands.
        self.lines, self.labels = [], {}
        for line in text.splitlines():
            if label := re.match(r"(\.L_\w+|\$[\w$]+):", line):
                self.labels[label.group(1)] = len(self.lines)
            elif found := re.search(r"/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][\w.]*)(.*?);", line):
                self.lines.append(Line(int(found[1], 16), found[2], found[3], found[4].strip()))
        if any(line.address != 16 * number for number, line in enumerate(self.lines)):
            raise ValueError("instructions that do not follow one another")
        # A read that never happens (@!PT) pads some copies.
        self.operations, place, jumps = [], [], []
        for line in self.lines:
            place.append(len(self.operations))
            if line.guard == "!PT":
                continue
            if line.operation.startswith("BRA") and (target := re.search(r"`\((\.L_\w+)\)", line.operands)):
                jumps.append((target.group(1), len(self.operations)))
            self.operations.append(line.operation)
        place.append(len(self.operations))
        spans = [(place[self.labels[t]], end) for t, end in jumps if t in self.labels and place[self.labels[t]] < end]
        # How many of the loops could be held against the schedule.
        self.loops_read = 0
        self.loops = [
            self.operations[start:end] for start, end in spans
            if not any((a, b) != (start, end) and start <= a and b <= end for a, b in spans)]

    def widths(self, name):
        """How many there are of each width, in bytes."""
        return dict(collections.Counter(
            bytes_of(o) for o in self.operations if re.match(name + r"(\.|$)", o)))


class Interpreter:
    """Runs disassembled kernels, all warps of all blocks."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        compiler = shutil.which("clang++") or shutil.which("g++")
        if compiler is None:
            sys.exit("machine-code: no clang++ or g++")
        self.program = pathlib.Path(self.folder.name) / "machine_code"
        subprocess.run(
            [compiler, "-std=c++20", "-O2", "-Wno-psabi", "-o", self.program, TESTS / "machine_code.cpp"], check=True)

    def run(self, disassembly, threads, blocks):
        """How often each of the lines was executed by a warp, and how often for a thread at least."""
        lines = "\n".join(_encoded(line, disassembly.labels) for line in disassembly.lines)
        run = subprocess.run(
            [self.program], input=f"{threads} {blocks}\n{lines}\n", capture_output=True, text=True)
        if run.returncode != 0:
            raise ValueError(run.stderr.strip())
        return [tuple(map(int, line.split())) for line in run.stdout.splitlines()]


# As in machine_code.cpp.
_OPCODES = {name: number for number, name in enumerate((
    "nothing integer_multiply add3 add shift_add shift logic predicate_logic permute select compare extreme add_extreme absolute move "
    "special zero_pair packed_halves load float_multiply_add float_add float_multiply float_extreme float_compare float_round to_float "
    "to_int reciprocal dot pack_predicates unpack_predicates branch jump begin_region end_region break_region leave meet").split())}
_FLAGS = {name: 1 << bit for bit, name in enumerate((
    "unsigned high wide extended sign_extended right or xor less equal greater unordered").split())}
_OPERATIONS = {
    "IMAD": "integer_multiply", "IADD3": "add3", "VIADD": "add", "LEA": "shift_add", "SHF": "shift", "LOP3": "logic",
    "PLOP3": "predicate_logic", "PRMT": "permute", "SEL": "select", "FSEL": "select", "ISETP": "compare", "VIMNMX": "extreme",
    "IMNMX": "extreme", "VIADDMNMX": "add_extreme", "IABS": "absolute", "MOV": "move", "R2UR": "move", "S2R": "special", "S2UR": "special",
    "CS2R": "zero_pair", "HFMA2": "packed_halves", "FFMA": "float_multiply_add", "FADD": "float_add", "FMUL": "float_multiply",
    "FMNMX": "float_extreme", "FSETP": "float_compare", "FRND": "float_round", "I2FP": "to_float", "I2F": "to_float",
    "F2I": "to_int", "MUFU": "reciprocal", "P2R": "pack_predicates", "R2P": "unpack_predicates", "IDP": "dot", "BRA": "branch",
    "CALL": "branch", "RET": "jump",
    "BSSY": "begin_region", "BSYNC": "end_region", "BREAK": "break_region", "EXIT": "leave", "WARPSYNC": "meet",
    **{name: "load" for name in ("LDS", "LDG", "LDC", "LDL", "IMMA", "FCHK")},
    **{name: "nothing" for name in (
        "STS", "STG", "STL", "LDGSTS", "LDGDEPBAR", "DEPBAR", "BAR", "NOP", "ENDCOLLECTIVE", "ERRBAR", "BMOV", "YIELD", "I2IP", "F2FP")}}
_COMPARISONS = {
    "LT": ["less"], "LE": ["less", "equal"], "GT": ["greater"], "GE": ["greater", "equal"], "EQ": ["equal"],
    "NE": ["less", "greater"], "NUM": ["less", "equal", "greater"], "NAN": []}
_NONE = (0, 0, False, False)


def _operand(text, is_real=False):
    """Kind, value, whether negated or inverted, whether absolute."""
    text = re.sub(r"\.(reuse|ROW|COL)", "", text).strip()
    negated = absolute = False
    if text[:1] in "-~!" and not re.match(r"-(0x|[\d.]|INF|QNAN)", text):
        negated, text = True, text[1:]
    if text.startswith("|"):
        absolute, text = True, text.strip("|")
    for kind, (pattern, none) in enumerate([(r"R(\d+|Z)", 255), (r"UR(\d+|Z)", 63)], 1):
        if found := re.fullmatch(pattern, text):
            return kind, none if found[1] == "Z" else int(found[1]), negated, absolute
    for kind, pattern in ((4, r"P(\d|T)"), (5, r"UP(\d|T)")):
        if found := re.fullmatch(pattern, text):
            return kind, 7 if found[1] == "T" else int(found[1]), negated, absolute
    if re.fullmatch(r"[-+]?0x[0-9a-f]+", text):
        return 3, int(text, 16) & 0xFFFFFFFF, negated, absolute
    if text.startswith("c["):  # parameters, which are addresses
        return 3, 0, negated, absolute
    value = float(text.replace("QNAN", "nan").replace("INF", "inf"))
    bits = struct.unpack("<I", struct.pack("<f", value))[0] if is_real else int(value) & 0xFFFFFFFF
    return 3, bits, negated, absolute


def _half(text):
    return struct.unpack("<H", struct.pack("<e", float(text)))[0]


def _encoded(line, labels):
    """A line of the interpreter's input."""
    base, *words = line.operation.split(".")
    base = base if base in _OPERATIONS else base.removeprefix("U")
    texts = [t.strip() for t in re.split(r",(?![^\[]*\])", line.operands)] if line.operands else []
    if base not in _OPERATIONS:
        raise ValueError(f"an instruction that is not known: {line.operation} {line.operands}")
    opcode = _OPERATIONS[base]
    target = barrier = -1
    own, to, source, flags = _NONE, [], [], set()
    if opcode == "branch":
        # Those of warps that are apart stand beside code that brings them together.
        if words and words[0] in ("DIV", "CONV"):
            opcode = "nothing"
        else:
            target = labels[re.search(r"`\(([\w$.]+)\)", line.operands)[1]]
            own = _operand(texts[0]) if len(texts) > 1 else _NONE
    elif opcode == "jump":
        source = [_operand(texts[0].split()[0])]
    elif opcode in ("begin_region", "end_region", "break_region"):
        barrier = int(re.search(r"B(\d+)", line.operands)[1])
        own = _operand(texts[0]) if len(texts) > 1 and opcode == "break_region" else _NONE
    elif opcode == "meet":
        opcode = "nothing" if "COLLECTIVE" in words else opcode
    elif opcode in ("leave", "nothing"):
        # Without it an asynchronous copy reads nothing.
        own = _operand(texts[-1]) if base == "LDGSTS" and re.fullmatch(r"!?P\w", texts[-1]) else _NONE
    elif opcode == "special":
        to = [_operand(texts[0])]
        source = [(3, {"SR_TID.X": 0, "SR_CTAID.X": 1, "SR_LANEID": 2}.get(texts[1], 3), False, False)]
    elif opcode == "load" or opcode == "zero_pair" and "32" in words:
        # So many registers, 0.
        count = 2 if "64" in words or "8816" in words else 4 if "128" in words or base == "IMMA" else 1
        opcode, to, source = "load", [_operand(texts[0])], [(3, count, False, False)]
    elif opcode == "zero_pair":
        to = [_operand(texts[0])]
    elif opcode == "pack_predicates":
        to, source = [_operand(texts[0])], [_operand(t) for t in texts[2:]]
    elif opcode == "unpack_predicates":
        source = [_operand(t) for t in texts[1:]]
    elif opcode == "packed_halves":
        if any(not re.fullmatch(r"-?RZ", t.replace(".reuse", "")) for t in texts[1:3]):
            raise ValueError(f"halves that are no constants: {line.operands}")
        to, source = [_operand(texts[0])], [(3, _half(texts[3]) << 16 | _half(texts[4]), False, False)]
    else:
        operands = [_operand(t, base.startswith("F") or base == "MUFU") for t in texts]
        if opcode in ("compare", "float_compare", "predicate_logic"):
            count = 2
        else:
            def is_flag(n):
                return n < len(operands) and operands[n][0] in (4, 5) and not texts[n].startswith("!")
            count = 0
            while is_flag(count):
                count += 1
            count += 1
            while opcode in ("add3", "shift_add", "integer_multiply", "logic") and is_flag(count):
                count += 1
        to, source = [(kind, value, False, False) for kind, value, _, _ in operands[:count]], operands[count:]
        if opcode in ("compare", "float_compare"):
            is_unordered = opcode == "float_compare" and (words[0] == "NAN" or words[0].endswith("U"))
            name = words[0].removesuffix("U") if opcode == "float_compare" else words[0]
            flags |= set(_COMPARISONS[name]) | ({"unordered"} if is_unordered else set())
    for word, flag in (("U32", "unsigned"), ("HI", "high"), ("WIDE", "wide"), ("SX32", "sign_extended"), ("OR", "or"), ("XOR", "xor")):
        if word in words:
            flags.add(flag)
    if ("EX" if opcode == "compare" else "X") in words:
        flags.add("extended")
    if opcode == "shift" and "R" in words:
        flags.add("right")
    guard = _operand(line.guard) if line.guard else _NONE
    fields = [line.operation, _OPCODES[opcode], sum(_FLAGS[f] for f in flags), target, barrier]
    for values in ([guard], [own]):
        fields += [int(field) for operand in values for field in operand]
    for values in (to, source):
        fields += [len(values)] + [int(field) for operand in values for field in operand]
    return " ".join(map(str, fields))
