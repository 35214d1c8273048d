"""Whether machine code that was run did what the simulator's replay and the reference say."""
from .disassembly import Disassembly


def run_and_compare(tools, bundle, kernel, architecture):
    """Compiles and runs a kernel of a bundle by a compiler, disassembler and interpreter; what `disagreements` says, or why it did not run."""
    compiler, nvdisasm, interpreter = tools
    log, code = compiler.compile(kernel.source(), architecture)
    if code is None:
        return [log], []
    disassembly = Disassembly(nvdisasm, code)
    try:
        counts, result = interpreter.run(disassembly, kernel.threads, kernel.blocks, kernel.data(architecture))
    except ValueError as error:
        return [str(error)], []
    return disagreements(bundle, kernel, disassembly, counts, result, architecture)


def disagreements(bundle, kernel, disassembly, counts, result, architecture):
    """What differs: bytes of the result, requests, sectors and passes through the banks, and products where they are exact; and what is
    the compiler's own doing and no fault: reads of shared memory and matrices that it leaves out, for it has the words already or no lane
    keeps what follows from them, and few that it makes again."""
    found, its_own = [], []
    if result != (wanted := kernel.expected_bytes()):
        places = [n for n, (own, other) in enumerate(zip(result, wanted)) if own != other]
        found.append(f"{len(places)} of {len(wanted)} bytes of the result differ" + (f", the first is {places[0]}" if places else ""))

    def sum_of(names, column):
        return sum(
            line_counts[column] for line_counts, line in zip(counts, disassembly.lines)
            if line.operation.split(".")[0] in names and line.guard != "!PT")

    executed, useful, passes = 0, 1, 2
    source = kernel.source()
    constants = dict(
        (name, int(value)) for value, name in (line.strip().split(",  // ") for line in source.splitlines() if ",  // " in line)
        if value.lstrip("-").isdigit())
    has_tables = any(name.endswith("table") and place >= 0 for name, place in constants.items())
    stages = range(constants["stages"])
    has_mean = any(constants[f"stage[{s}].operation"] == 1 for s in stages)
    is_real = bundle.element_type == "fp32"
    exact = [
        ("requests of stores", ["STG"], useful, "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum", 1),
        ("sectors of stores", ["STG"], passes, "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum", 1)]
    if not has_tables:
        exact += [
            ("requests of loads", ["LDG", "LDGSTS"], useful, "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum", 1),
            ("sectors of loads", ["LDG", "LDGSTS"], passes, "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum", 1)]
    # An asynchronous copy fills with zeros by itself; the replay takes an INT8 map to be padded with something else.
    is_filled = is_real or constants["stage[0].q.input_zero"] != 0
    if is_filled and bundle.is_asynchronous == (architecture >= 80):
        exact.append(("passes of shared stores", ["STS"], passes, "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum", 1))
    if is_real and not has_mean:
        exact.append(("products", ["FFMA"], executed, "multiply_add_instructions", 1))
    zeros = [f"stage[{s}].q.{name}" for s in stages for name in ("value_zero", "weight_zero")]
    if not is_real and all(constants[zero] == 0 for zero in zeros) and all(constants[f"stage[{s}].q.weight_zeros"] < 0 for s in stages):
        # Tensor cores before sm_80 take a quarter of a product at once.
        exact.append(("matrix products", ["IMMA"], executed, "matrix_products", 4 if architecture < 80 else 1))
    reads = [
        ("reads of shared memory", ["LDS"], executed, "smsp__sass_inst_executed_op_shared_ld.sum", 1),
        ("passes of shared loads", ["LDS"], passes, "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum", 1)]
    # FP32 of one stage leaves out next to nothing, but where a thread has several pixels: if they stand straight below one another and
    # their windows overlap, though they do not slide, the compiler sees that; and in layers without weights a warp passes over pixels that none of its lanes
    # has. One of them at least is read. In INT8 the compiler may read a constant again rather than keep it in a register.
    is_plain = is_real and len(stages) == 1 and not has_mean
    pixels, columns = constants["stage[0].pixels"], constants["columns[1].slots"]
    apart = -(-constants["rows[1].slots"] * columns // pixels)
    overlaps = not constants["stage[0].slides"] and any(
        n * apart % columns == 0 and n * apart // columns * constants["stage[0].rows.stride"] < constants["stage[0].rows.window"]
        for n in range(1, pixels))
    skips = pixels > 1 and constants["stage[0].operation"] != 0
    most = 1 if is_real else 1.01
    for what, names, column, counter, scale in exact + reads:
        own, wanted = sum_of(names, column), kernel.counters[counter] * scale
        least = (1 / pixels if overlaps or skips else 0.99) if is_plain else 0
        is_free = names == ["LDS"] and least * wanted <= own <= most * wanted or names == ["IMMA"] and own < wanted
        if own != wanted:
            (its_own if is_free else found).append(f"{own} {what}, the replay's {wanted}")
    return found, its_own
