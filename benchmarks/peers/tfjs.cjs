// Two networks of the npm registry, on TensorFlow.js' WebAssembly backend with one thread:
// node tfjs.cjs DIR/node face-api|human FACES [SIDE]
// What goes in and out by lines is as in serve.py.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");

console.log = console.error; // standard output is for answers only
const [project, name, file, side = "48"] = process.argv.slice(2);
const SIDE = Number(side);
const from = createRequire(path.resolve(project, "package.json"));
const modules = path.resolve(project, "node_modules");
const describe = (kind) =>
  JSON.parse(fs.readFileSync(path.join(modules, kind, "package.json"), "utf8"));
const size = (weights) => weights.reduce((sum, w) => sum + w.shape.reduce((a, b) => a * b, 1), 0);

async function start(tf) {
  const wasm = from("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/"));
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  await tf.setBackend("wasm");
  await tf.ready();
  if (tf.getBackend() !== "wasm") throw new Error(`the backend is ${tf.getBackend()}, not wasm`);
}

// A grey face in three equal channels: what a browser makes of it.
const coloured = (tf, face, kind) => {
  const levels = new kind(face.length * 3);
  face.forEach((level, i) => levels.fill(level, 3 * i, 3 * i + 3));
  return tf.tensor3d(levels, [SIDE, SIDE, 3], kind === Int32Array ? "int32" : "float32");
};

// The package's own way from a cut-out face: it resizes to 112×112 and takes off its mean colour.
async function faceApi() {
  const api = from("@vladmandic/face-api/dist/face-api.node-wasm.js");
  await start(api.tf);
  const folder = path.join(modules, "@vladmandic/face-api/model");
  const net = api.nets.faceExpressionNet;
  await net.loadFromDisk(folder);
  const manifest = "face_expression_model-weights_manifest.json";
  const weights = JSON.parse(fs.readFileSync(path.join(folder, manifest), "utf8"));
  const order = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];
  return {
    about: {
      version: describe("@vladmandic/face-api").version,
      licence: describe("@vladmandic/face-api").license,
      parameters: size(weights.flatMap((group) => group.weights)),
      bytes: fs.statSync(path.join(folder, "face_expression_model.bin")).size,
      labels: ["neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise"],
    },
    read: async (face) => {
      const input = coloured(api.tf, face, Int32Array);
      const said = await net.predictExpressions(input);
      input.dispose();
      return order.map((label) => said[label]);
    },
  };
}

// The steps of the package's src/gear/emotion.ts, which it does not export by itself: levels in
// [0, 1], bilinear to 64×64, weighted sum of the colours, (x - 0.5) × 2.
async function human() {
  const tf = from("@tensorflow/tfjs-core");
  const converter = from("@tensorflow/tfjs-converter");
  await start(tf);
  const folder = path.join(modules, "@vladmandic/human/models");
  const stored = JSON.parse(fs.readFileSync(path.join(folder, "emotion.json"), "utf8"));
  const content = fs.readFileSync(path.join(folder, "emotion.bin"));
  const weightSpecs = stored.weightsManifest.flatMap((group) => group.weights);
  const weightData = new Uint8Array(content).buffer;
  const artifacts = { ...stored, weightSpecs, weightData };
  const model = await converter.loadGraphModel({ load: async () => artifacts });
  const width = model.inputs[0].shape[2];
  const colours = tf.tensor1d([0.2989, 0.587, 0.114]);
  return {
    about: {
      version: describe("@vladmandic/human").version,
      licence: describe("@vladmandic/human").license,
      parameters: size(weightSpecs),
      bytes: content.length,
      labels: ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"],
    },
    read: async (face) => {
      const said = tf.tidy(() => {
        const levels = tf.div(tf.expandDims(coloured(tf, face, Float32Array)), 255);
        const large = tf.image.resizeBilinear(levels, [width, width], false);
        const grey = tf.sum(tf.mul(large, colours), 3, true);
        return model.execute(tf.mul(tf.sub(grey, 0.5), 2));
      });
      const values = Array.from(await said.data());
      said.dispose();
      return values;
    },
  };
}

async function main() {
  const { about, read } = await { "face-api": faceApi, human }[name]();
  const faces = fs.readFileSync(file);
  const runtime = `TensorFlow.js ${describe("@tensorflow/tfjs-core").version} (wasm)`;
  process.stdout.write(JSON.stringify({ ...about, runtime }) + "\n");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [first, last] = JSON.parse(line);
    const probabilities = [];
    const ms = [];
    for (let i = first; i < last; i += 1) {
      const face = faces.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
      const begun = performance.now();
      probabilities.push(await read(face));
      ms.push(performance.now() - begun);
    }
    process.stdout.write(JSON.stringify({ probabilities, ms }) + "\n");
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
