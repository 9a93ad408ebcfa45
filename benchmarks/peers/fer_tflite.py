"""The network of the package ``fer``, by LiteRT: DIR/fer/bin/python fer_tflite.py FACES.

Steps of fer.FER.detect_emotions from the cut-out face on: OpenCV's bilinear resize to 64×64,
(x / 255 - 0.5) × 2, one face at a time, the quantised file that is the package's default. The
package's own module is not imported, for it wants the whole of TensorFlow for the same interpreter.
"""

import sys
from importlib.metadata import distribution, version

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from serve import read_faces, serve

#: Its labels angry, disgust, fear, happy, sad, surprise, neutral by facslens' names.
LABELS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
FILE = "fer/data/emotion_model_quantized.tflite"


def parameters(content: bytes) -> int:
    """Count the numbers of more than one dimension, and their biases, that the file stores."""
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    stored = (graph.Tensors(i) for i in range(graph.TensorsLength()))
    real = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16, schema.TensorType.INT8)
    return sum(
        int(np.prod(tensor.ShapeAsNumpy()))
        for tensor in stored
        if model.Buffers(tensor.Buffer()).DataLength() and tensor.Type() in real
    )


def main() -> None:
    """Load the network and serve."""
    path = distribution("fer").locate_file(FILE)
    content = path.read_bytes()
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    end = interpreter.get_output_details()[0]["index"]

    def read(face: np.ndarray) -> np.ndarray:
        large = cv2.resize(face, (64, 64)).astype(np.float32)
        interpreter.set_tensor(entry, ((large / 255 - 0.5) * 2)[None, :, :, None])
        interpreter.invoke()
        return interpreter.get_tensor(end)[0]

    cv2.setNumThreads(1)
    about = {
        "version": version("fer"),
        "runtime": f"LiteRT {version('ai-edge-litert')}",
        "parameters": parameters(content),
        "bytes": len(content),
        "licence": "MIT",
        "labels": LABELS,
    }
    serve(about, read, read_faces(sys.argv[1]))


if __name__ == "__main__":
    main()
