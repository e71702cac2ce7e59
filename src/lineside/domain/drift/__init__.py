"""Whether the parts of today come from where a model's parts came from, feature by feature and together."""
