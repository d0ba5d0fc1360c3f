"""The spectrogram U-Net: predicts the noise in a 512x512 picture of the sound."""
