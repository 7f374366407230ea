"""The Python API: what `import backprop_cli` offers, loaded when it is first used."""
