"""Pose data as tensors: loaders, rendered figures, augmentation, heatmaps."""
