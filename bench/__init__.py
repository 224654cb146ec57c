"""What `make bench` measures: ratios taken in one run, on whatever machine it runs."""
