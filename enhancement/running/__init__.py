"""Run a denoiser over files and folders.

`inputs` finds the recordings, `plan` decides what each becomes, `one_file` denoises one of them in
constant memory (`effects`, `level`, `writing` are its parts), `runner` does them all and sums up,
`cli` is the command line that every model shares.
"""
