"""The same networks in other libraries, each written as its users would write it.

A peer is a module with three functions: `make` builds the model with given starting weights,
`train` makes one pass with one case a step, `weights` reads the weights. They come as a list of
arrays; which array is which, `same_weights` knows.
"""
