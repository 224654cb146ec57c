"""KPI definitions and the rules that hold for every figure."""
