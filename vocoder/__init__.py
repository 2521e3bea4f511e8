"""A frozen WaveGrad: network, dialects, mel front ends, checkpoints, training. Knows no schedule search."""

from vocoder.allocator import keep_large_tensors
from vocoder.caches import use_writable_caches
from vocoder.threads import wait_briefly

keep_large_tensors()  # before torch makes its first tensor
use_writable_caches()  # before librosa is imported
wait_briefly()  # before torch is imported
