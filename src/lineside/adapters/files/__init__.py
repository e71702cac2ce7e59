"""Readings and finished part rows from CSV and Parquet files.

`source.open_source` builds the source of a plan; ``reading`` turns files into blocks of columns, ``blocks`` says
what such a block is for each format, ``content`` turns blocks into readings or part rows, and ``pacing`` lets
them go at the speed of their own times.
"""
