"""scikit-learn's digits with Keras, whichever backend KERAS_BACKEND names."""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

options = dict(word.split("=") for word in sys.argv[1:])
keras.utils.set_random_seed(int(options["seed"]))
x, y = load_digits(return_X_y=True)
x = x.astype(np.float32) / 16
net = keras.Sequential(
    [
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(float(options.get("dropout", 0))),
        keras.layers.Dense(10),
    ]
)
net.compile(
    optimizer=options.get("optimizer", "adam"),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
log = keras.callbacks.CSVLogger(f"{options['out']}/log.csv")
held_out = (x[900:1100], y[900:1100])
net.fit(x[:900], y[:900], 16, 3, verbose=0, callbacks=[log], validation_data=held_out)
print("test accuracy:", net.evaluate(x[1100:], y[1100:], verbose=0)[1])
