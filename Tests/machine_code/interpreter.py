"""Runs disassembled kernels: writes them down for interpreter.cpp, which it builds."""
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from .disassembly import size_of

FOLDER = pathlib.Path(__file__).parent


class Data:
    """What a kernel is given: operands by their number among its parameters, of which one is the result."""

    def __init__(self, architecture, shared_bytes, operands, result, result_bytes):
        """`operands` are files by number."""
        # The compiler's own 1 KiB of shared memory comes first.
        self.shared_begin = 0x400 if architecture >= 90 else 0
        self.shared_bytes, self.operands = shared_bytes, operands
        self.result, self.result_bytes = result, result_bytes
        # Where the parameters begin among the constants.
        self.parameters = 0x210 if architecture >= 90 else 0x160

    def lines(self, result_file):
        buffers = {n: ("operand", path.stat().st_size, path) for n, path in self.operands.items()}
        for number, (kind, size, path) in {**buffers, self.result: ("result", self.result_bytes, result_file)}.items():
            # Apart by more than any of them takes, and above what 32 bits hold.
            address = (number + 1) << 36
            yield f"constant {self.parameters + 8 * number} {address & 0xFFFFFFFF}"
            yield f"constant {self.parameters + 8 * number + 4} {address >> 32}"
            if size > 0:
                yield f"{kind} {address} {size} {path}"


class Interpreter:
    """Runs disassembled kernels, all warps of all blocks."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        compiler = shutil.which("clang++") or shutil.which("g++")
        if compiler is None:
            sys.exit("machine-code: no clang++ or g++")
        self.program = pathlib.Path(self.folder.name) / "interpreter"
        target = "-march=native" if platform.machine() == "x86_64" else "-mcpu=native"
        subprocess.run(
            [compiler, "-std=c++20", "-O3", target, "-ffp-contract=off", "-Wno-psabi", "-o", self.program,
             FOLDER / "interpreter.cpp"], check=True)

    def run(self, disassembly, threads, blocks, data=None):
        """For each of the lines how often a warp executed it, how often for a thread at least, and the sectors or passes through the
        banks that took; and the bytes of the result, where there are operands."""
        lines = [f"{threads} {blocks} {data.shared_bytes if data else 0} {data.shared_begin if data else 0}"]
        with tempfile.NamedTemporaryFile() as result:
            lines += list(data.lines(result.name)) if data else []
            lines += [f"constant {offset} {word}" for offset, word in disassembly.constants]
            lines.append("code")
            lines += [_encoded(line, disassembly.labels) for line in disassembly.lines]
            run = subprocess.run([self.program], input="\n".join(lines) + "\n", capture_output=True, text=True)
            if run.returncode != 0:
                raise ValueError(run.stderr.strip() or f"the interpreter ended with {run.returncode}")
            counts = [tuple(map(int, line.split())) for line in run.stdout.splitlines()]
            return counts, pathlib.Path(result.name).read_bytes()


def _names(enumeration):
    """The names of an enumeration of warp.hpp, and their numbers."""
    text = re.search(rf"enum {enumeration}[^{{]*{{(.*?)}};", (FOLDER / "warp.hpp").read_text(), re.S)[1]
    names = [name.split("=")[0].strip() for name in text.split(",")]
    return {name: number for number, name in enumerate(names) if name}


_OPCODES = _names("Opcode")
_FLAGS = {name: 1 << bit for name, bit in _names("Flag").items()}
_KINDS = _names("Source")
_OPERATIONS = {
    "IMAD": "integer_multiply", "IADD3": "add3", "VIADD": "add", "LEA": "shift_add", "SHF": "shift", "LOP3": "logic",
    "PLOP3": "predicate_logic", "PRMT": "permute", "SEL": "select", "FSEL": "select", "ISETP": "compare", "VIMNMX": "extreme",
    "IMNMX": "extreme", "VIADDMNMX": "add_extreme", "IABS": "absolute", "MOV": "move", "R2UR": "move", "S2R": "special",
    "S2UR": "special", "CS2R": "zero_pair", "HFMA2": "packed_halves", "FFMA": "float_multiply_add", "FADD": "float_add",
    "FMUL": "float_multiply", "FMNMX": "float_extreme", "FSETP": "float_compare", "FRND": "float_round", "I2FP": "to_float",
    "I2F": "to_float", "F2I": "to_int", "MUFU": "reciprocal", "FCHK": "check_division", "P2R": "pack_predicates",
    "R2P": "unpack_predicates", "IDP": "dot", "IMMA": "matrix", "I2IP": "pack_bytes", "BRA": "branch", "CALL": "branch", "RET": "jump",
    "BSSY": "begin_region", "BSYNC": "end_region", "BREAK": "break_region", "EXIT": "leave", "WARPSYNC": "meet", "BAR": "barrier",
    "LDC": "load_constant", "LDS": "load_shared", "LDG": "load_global", "LDL": "load_own", "STS": "store_shared", "STG": "store_global",
    "STL": "store_own", "LDGSTS": "copy", "LDGDEPBAR": "commit", "DEPBAR": "await", "F2FP": "unknown",
    **{name: "nothing" for name in ("NOP", "ENDCOLLECTIVE", "ERRBAR", "BMOV", "YIELD")}}
_COMPARISONS = {
    "LT": ["less"], "LE": ["less", "equal"], "GT": ["greater"], "GE": ["greater", "equal"], "EQ": ["equal"],
    "NE": ["less", "greater"], "NUM": ["less", "equal", "greater"], "NAN": []}
_WORDS = {
    "U32": "is_unsigned", "U64": "is_unsigned", "HI": "is_high", "WIDE": "is_wide", "SX32": "is_sign_extended", "OR": "with_or",
    "XOR": "with_xor", "NAN": "keeps_nan", "FTZ": "flushes", "RP": "rounds_up", "TRUNC": "to_zero",
    "U8": "is_unsigned", "U16": "is_unsigned"}
_NONE = (_KINDS["none"], 0, False, False)
_NOWHERE = (255, 63, 0, 1, False)


def _immediate(value):
    return _KINDS["immediate"], value, False, False


def _operand(text, is_real=False):
    """Kind, value, whether negated or inverted, whether absolute."""
    text = re.sub(r"\.(reuse|ROW|COL)", "", text).strip()
    negated = absolute = False
    if text[:1] in "-~!" and not re.match(r"-(0x|[\d.]|INF|QNAN)", text):
        negated, text = True, text[1:]
    if text.startswith("|"):
        absolute, text = True, text.strip("|")
    for kind, pattern, last in (
            ("reg", r"R(\d+|Z)", 255), ("uniform", r"UR(\d+|Z)", 63), ("predicate", r"P(\d|T)", 7),
            ("uniform_predicate", r"UP(\d|T)", 7)):
        if found := re.fullmatch(pattern, text):
            return _KINDS[kind], last if found[1] in "ZT" else int(found[1]), negated, absolute
    if re.fullmatch(r"[-+]?0x[0-9a-f]+", text):
        return _KINDS["immediate"], int(text, 16) & 0xFFFFFFFF, negated, absolute
    if found := re.fullmatch(r"c\[0x([0-4])\]\[0x([0-9a-f]+)\]", text):
        return _KINDS["constant"], int(found[1]) << 16 | int(found[2], 16), negated, absolute
    value = float(text.replace("QNAN", "nan").replace("INF", "inf"))
    bits = struct.unpack("<I", struct.pack("<f", value))[0] if is_real else int(value) & 0xFFFFFFFF
    return _KINDS["immediate"], bits, negated, absolute


def _address(text, is_far):
    """Of what stands in brackets; before that of global memory may stand how it is cached."""
    reg, uniform, offset, scale, is_pair = _NOWHERE
    for part in re.fullmatch(r"(?:desc\[\w+\])?\[(.*)\]", text)[1].split("+"):
        if found := re.fullmatch(r"R(\d+|Z)(?:\.(\w+))?", part):
            reg = 255 if found[1] == "Z" else int(found[1])
            if found[2] not in (None, "64", "U32", "X4", "X8", "X16"):
                raise ValueError(f"an address that is not known: {text}")
            scale = int(found[2][1:]) if found[2] and found[2][0] == "X" else 1
            is_pair = is_far and found[2] != "U32"
        elif found := re.fullmatch(r"UR(\d+|Z)", part):
            uniform = 63 if found[1] == "Z" else int(found[1])
        else:
            offset += int(part, 16)
    return reg, uniform, offset & 0xFFFFFFFF, scale, is_pair


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
    target = region = -1
    size = 0
    own, near, far, to, source, flags = _NONE, _NOWHERE, _NOWHERE, [], [], set()
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
        region = int(re.search(r"B(\d+)", line.operands)[1])
        own = _operand(texts[0]) if len(texts) > 1 and opcode == "break_region" else _NONE
    elif opcode == "meet":
        opcode = "nothing" if "COLLECTIVE" in words else opcode
    elif opcode == "barrier":
        if words[:1] != ["SYNC"] or texts != ["0x0"]:
            raise ValueError(f"a barrier that is not known: {line.operation} {line.operands}")
    elif opcode == "await":
        # Of scoreboards only what asynchronous copies use.
        source = [_immediate(int(texts[1], 16))]
        opcode = opcode if texts[0] == "SB0" else "nothing"
    elif opcode in ("leave", "nothing", "commit", "unknown"):
        pass
    elif opcode == "special":
        to = [_operand(texts[0])]
        # Of a cluster there is one block.
        known = {"SR_TID.X": 0, "SR_CTAID.X": 1, "SR_LANEID": 2, "SR_CgaCtaId": 3}
        if texts[1] not in known:
            raise ValueError(f"a register that is not known: {texts[1]}")
        source = [_immediate(known[texts[1]])]
    elif opcode in ("load_shared", "load_global", "load_own"):
        size, to = size_of(line.operation), [_operand(texts[0])]
        near, far = (_NOWHERE, _address(texts[1], True)) if opcode == "load_global" else (_address(texts[1], False), _NOWHERE)
    elif opcode in ("store_shared", "store_global", "store_own"):
        size, source = size_of(line.operation), [_operand(texts[1])]
        near, far = (_NOWHERE, _address(texts[0], True)) if opcode == "store_global" else (_address(texts[0], False), _NOWHERE)
    elif opcode == "copy":
        size, near, far = size_of(line.operation), _address(texts[0], False), _address(texts[1], True)
        own = _operand(texts[2]) if len(texts) > 2 else _NONE
    elif opcode == "load_constant":
        size, to, source = size_of(line.operation), [_operand(texts[0])], [_operand(texts[1])]
    elif opcode == "zero_pair":
        if texts[1] != "SRZ":
            raise ValueError(f"a register that is not known: {texts[1]}")
        opcode, source = ("move", [_immediate(0)]) if "32" in words else (opcode, [])
        to = [_operand(texts[0])]
    elif opcode == "pack_predicates":
        to, source = [_operand(texts[0])], [_operand(t) for t in texts[2:]]
    elif opcode == "unpack_predicates":
        source = [_operand(t) for t in texts[1:]]
    elif opcode == "packed_halves":
        if any(not re.fullmatch(r"-?RZ", t.replace(".reuse", "")) for t in texts[1:3]):
            raise ValueError(f"halves that are no constants: {line.operands}")
        to, source = [_operand(texts[0])], [_immediate(_half(texts[3]) << 16 | _half(texts[4]))]
    else:
        lower = re.search(r"\.([BH])(\d)$", texts[-1]) if opcode == "to_float" else None
        if lower:
            # A byte or half of the register other than the first.
            texts = [texts[0], texts[1][:lower.start()], hex(int(lower[2]) * (8 if lower[1] == "B" else 16))]
        operands = [_operand(t, base.startswith("F") or base == "MUFU") for t in texts]
        count = 2 if opcode in ("compare", "float_compare", "predicate_logic") else 0

        def is_flag(n):
            return n < len(operands) and operands[n][0] in (
                _KINDS["predicate"], _KINDS["uniform_predicate"]) and not texts[n].startswith("!")
        if count == 0:
            while is_flag(count):
                count += 1
            if opcode != "check_division":
                count += 1
            while opcode in ("add3", "shift_add", "integer_multiply", "logic") and is_flag(count):
                count += 1
        to, source = [(kind, value, False, False) for kind, value, _, _ in operands[:count]], operands[count:]
        if opcode in ("compare", "float_compare"):
            is_unordered = opcode == "float_compare" and (words[0] == "NAN" or words[0].endswith("U"))
            name = words[0].removesuffix("U") if opcode == "float_compare" else words[0]
            flags |= set(_COMPARISONS[name]) | ({"unordered"} if is_unordered else set())
        if opcode == "matrix":
            if words[1:] != ["S8", "S8"] or words[0] not in ("16832", "8816"):
                raise ValueError(f"a matrix that is not known: {line.operation}")
            opcode = opcode if words[0] == "16832" else "matrix_quarter"
        if opcode == "reciprocal" and words != ["RCP"]:
            opcode = "unknown"  # what is no number is made by other functions
        if opcode == "to_float":
            size = size_of(line.operation)
        known = {"dot": ["4A", "S8", "S8"], "pack_bytes": ["S8", "S32", "SAT"]}
        if words != known.get(opcode, words):
            raise ValueError(f"an instruction that is not known: {line.operation}")
        if {"RM", "RZ"} & set(words) or "RP" in words and opcode != "to_float" or {"FLOOR", "CEIL"} & set(words):
            flags.add("rounds_otherwise")
    flags |= {_WORDS[word] for word in words if word in _WORDS}
    if ("EX" if opcode == "compare" else "X") in words:
        flags.add("is_extended")
    if opcode == "shift" and "R" in words:
        flags.add("is_right")
    is_signed = any(word in ("S8", "S16") for word in words)
    guard = _operand(line.guard) if line.guard else _NONE
    fields = [line.operation, _OPCODES[opcode], sum(_FLAGS[f] for f in flags), target, region, size, int(is_signed)]
    for values in (guard, own, near, far):
        fields += map(int, values)
    for values in (to, source):
        fields += [len(values)] + [int(field) for operand in values for field in operand]
    return " ".join(map(str, fields))
