"""The Open Inference Protocol: messages in a descriptor pool of their own, from generate.py."""
