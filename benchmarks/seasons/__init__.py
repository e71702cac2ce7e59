"""What `benchmarks/year.py` is made of: the year's stream, the contenders, and what is counted of them."""
