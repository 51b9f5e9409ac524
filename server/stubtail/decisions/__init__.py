"""What to do, given what a model predicts: expressions, candidates, constraints, ranking; pure.

The expression language is a subset of CEL (https://github.com/google/cel-spec, langdef.md) that is
evaluated on whole columns. A kept implementation was looked for: cel-python 0.5.0 evaluates an
expression for one row at a time, 164 ms for `(price - cost) * score` and 1,000 rows where numpy
takes 5 us; bindings to Rust or C++ also cross into Python for each row. Python's own `eval`, and
numexpr and pandas.eval above it, execute code. So: a tokeniser, a Pratt parser, a type check and an
evaluation, all bounded.

Where it departs from CEL: all numbers are doubles (`1 / 2` is 0.5, `1 / 0` is infinite); nothing
raises at run time, so that `&&` and `||` need no short cut; the functions are declared here, as CEL
leaves to its host; lists stand only behind `in`; there are no maps, bytes, null, macros or fields.
"""
