"""The live model: speech denoised as it comes in, at any sample rate, a few milliseconds behind.

A short-time Fourier transform at the signal's own rate (`frontend`), a network that makes a complex
mask of it frame by frame (`network`) behind one interface for all who run it (`core`), and what
brings both to blocks of any size (`stream`) and to recordings (`denoise`).
"""
