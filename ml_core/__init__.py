"""What the model is: labels, images, faces, bundles, inference. Plain Python: no Django, no TensorFlow."""
