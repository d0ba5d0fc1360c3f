"""Run a denoiser over files and folders.

`inputs` finds the recordings, `plan` decides what each becomes, `one_file` takes one of them
through a model in constant memory (`effects`, `level`, `writing` are its parts), `several` feeds
the model with all of them, `runner` does all that and sums up, `cli` is the command line that every
model shares.
"""
