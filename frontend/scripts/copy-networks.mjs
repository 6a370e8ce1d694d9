/** Before a build: brings the face finder's networks to where the bundler finds them. */
import { cpSync, mkdirSync } from "node:fs";

const FROM = new URL("../../ml_core/faces/networks/", import.meta.url);
const TO = new URL("../src/device/finder/networks/", import.meta.url);

mkdirSync(TO, { recursive: true });
for (const name of ["centerface.onnx", "onet.onnx"]) cpSync(new URL(name, FROM), new URL(name, TO));
