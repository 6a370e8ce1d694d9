"""UNETR in Keras: the only folder that imports TensorFlow and Keras, and only training imports it."""

import os

# TensorFlow computes with oneDNN of its own accord only on processors with VNNI; without, it takes a quarter less time
# too. It looks once, while it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
