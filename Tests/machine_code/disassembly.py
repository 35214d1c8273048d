"""Machine code as text."""
import collections
import glob
import re
import struct
import subprocess
import sys
import tempfile


def size_of(operation):
    """Bytes a lane."""
    return (
        16 if ".128" in operation else 8 if ".64" in operation
        else 2 if re.search(r"\.[SU]16", operation) else 1 if re.search(r"\.[SU]8", operation) else 4)


def disassembler():
    for base in sys.path:
        for path in glob.glob(base + "/nvidia/*/bin/nvdisasm"):
            return path
    return None


Line = collections.namedtuple("Line", "address guard operation operands")


def _literals(code):
    """Words that the compiler put into banks of constants: bank × 64 KiB + offset, and the word. `code` is an ELF file."""
    start, = struct.unpack_from("<Q", code, 40)
    size, count, names = struct.unpack_from("<HHH", code, 58)
    headers = [struct.unpack_from("<IIQQQQ", code, start + size * n) for n in range(count)]
    for name, _, _, _, place, length in headers:
        begin = headers[names][4] + name
        found = re.match(rb"\.nv\.constant([1-4])(\.|$)", code[begin:code.index(b"\0", begin)])
        for offset in range(0, length & ~3 if found else 0, 4):
            yield int(found[1]) << 16 | offset, struct.unpack_from("<I", code, place + offset)[0]


class Disassembly:
    """The instructions of a kernel in order, and its innermost loops."""

    def __init__(self, nvdisasm, code):
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(code)
            file.flush()
            text = subprocess.run([nvdisasm, "-c", file.name], capture_output=True, check=True).stdout.decode(
                errors="replace")
        self.constants = list(_literals(code))
        # All of them, and where each label stands.
        self.lines, self.labels = [], {}
        for line in text.splitlines():
            if label := re.match(r"(\.L_\w+|\$[\w$]+):", line):
                self.labels[label.group(1)] = len(self.lines)
            elif found := re.search(r"/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][\w.]*)(.*?);", line):
                self.lines.append(Line(int(found[1], 16), found[2], found[3], found[4].split("(*")[0].strip()))
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
            size_of(o) for o in self.operations if re.match(name + r"(\.|$)", o)))
