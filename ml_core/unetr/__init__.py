"""UNETR in Keras: the only folder that imports TensorFlow and Keras, and only training imports it."""
