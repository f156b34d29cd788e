"""LearningLoss++ for Python (to be written below)."""
