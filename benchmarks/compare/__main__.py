"""`python3 benchmarks/compare`: wherry and its peers side by side. See command.py, or --help."""
import pathlib
import sys

# Run as a folder, Python looks for modules inside it; the package itself stands one folder up.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from compare.command import main  # noqa: E402

sys.exit(main())
