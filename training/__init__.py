"""Trains the models that stubtail serves and exports each as one ONNX graph with its model.json."""
