"""Networks that the live model is compared with at equal cost; see `compare_families.py`.

What wins moves to the product; what is here has lost so far, or has not been tried enough.
"""
