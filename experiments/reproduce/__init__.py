"""Makes everything under results/shipped/ again from the committed weights and clips."""
