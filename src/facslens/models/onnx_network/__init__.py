"""ONNX files of other people, as networks that ONNX Runtime runs."""
