"""Hits and misses of pycachesim (https://pypi.org/project/pycachesim/) on given traces.

    pycachesim_cases.py FILE    prints a line for each case of FILE: its hits and misses

A line of FILE is a case: policy, sets, ways, bytes of a line, then byte addresses.
"""
import sys

try:
    import cachesim
except ImportError:
    sys.exit(77)

for line in open(sys.argv[1]):
    policy, sets, ways, size, *addresses = line.split()
    memory = cachesim.MainMemory()
    cache = cachesim.Cache("L2", int(sets), int(ways), int(size), policy)
    memory.load_to(cache)
    memory.store_from(cache)
    simulator = cachesim.CacheSimulator(cache, memory)
    simulator.load([int(address) for address in addresses])
    print(cache.HIT_count, cache.MISS_count)
