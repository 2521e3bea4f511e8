"""One file a public implementation: names, its network's quirks, its front end, its sampler's arithmetic."""
