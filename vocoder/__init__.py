"""A frozen WaveGrad: network, dialects, mel front ends, checkpoints, training. Knows no schedule search."""
