"""Train a denoiser: one driver for every model, on Lightning.

A model brings a `TrainingTask` (its network, loss and pictures) and two data sets; `fit` does the
rest: schedule, averaging, several devices, signals, resuming, checkpoints, history and pictures.
The command line stands in `options`, which imports no torch.
"""
