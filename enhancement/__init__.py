"""What any denoiser needs: training, checkpoints, running over files, metrics."""
