"""The blocks of the Quality screen: scores, feelings, text, and what stands out in them."""
