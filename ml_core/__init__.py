"""What the model is: labels, images, faces, bundles, inference. Plain Python: no Django, no TensorFlow."""

import os

# ONNX Runtime reports home unless told otherwise before it is imported, and leaves a file in the temporary folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
