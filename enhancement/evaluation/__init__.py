"""Measure a denoiser on a data set: gains clip by clip, means with intervals, the command's parts.

- `gains`: SI-SDR before and after, for each sample.
- `intervals`: means by input SNR with 95 % intervals, and their table.
- `cli`: the options and the command that the models share.
"""
