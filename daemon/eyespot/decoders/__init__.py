"""Raw tensors to detections; one file a family."""
