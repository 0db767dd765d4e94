#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The targets of docs/performance.md as a table, from benchfs bench --json F:
    tests/bench/table.py F"""
import json
import sys

got = json.load(open(sys.argv[1]))
print(f"{got['machine']}; load {got['load']} at the start, "
      f"{got['rounds']} rounds of {got['round_ms']:.0f} ms\n")
print("| work | on | target | measured | |\n|---|---|---|---|---|")
for t in got['targets']:
    least = 'at_least' in t
    limit = t['at_least'] if least else t['at_most']
    digits = 0 if limit >= 100 else 2
    print(f"| {t['target']} | {t['on']} | at {'least' if least else 'most'} "
          f"{limit:,.{digits}f} | {t['value']:,.{digits}f} | "
          f"{'met' if t['met'] else '**missed**'} |")
