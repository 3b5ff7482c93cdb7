"""`python3 benchmarks/graviton-model`: wherry on Graviton, counted and modelled. See command.py, or --help."""
import importlib
import pathlib
import sys

# Run as a folder, Python looks for modules inside it; the package itself stands one folder up, beside `compare`.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

sys.exit(importlib.import_module("graviton-model.command").main())
