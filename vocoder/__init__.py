"""A frozen WaveGrad: network, dialects, mel front ends, checkpoints, training. Knows no schedule search."""

from vocoder.allocator import keep_large_tensors

keep_large_tensors()  # before torch makes its first tensor
