"""Measure denoisers: each model's own command, and systems compared side by side.

- `gains`, `intervals`, `cli`: SI-SDR before and after, means with 95 % intervals, and the command
  that the models share.
- `compare`: `python -m enhancement evaluate`, whose parts follow.
- `clips`, `systems`, `baselines`: what is measured on, and what is.
- `measuring`, `journal`, `fingerprints`: clip by clip, kept on disk, and used again as long as
  nothing has changed.
- `run`, `summary`, `results`, `screen`: all together, into tables, files and text.
"""
