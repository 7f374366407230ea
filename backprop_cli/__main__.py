"""`python -m backprop_cli`."""

from backprop_cli.cli import main

if __name__ == "__main__":  # a process that multiprocessing spawns imports this under another name
    main()
