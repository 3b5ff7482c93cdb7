"""Measures wherry against its peers: same models, inputs and threads, in turn, round after round."""
