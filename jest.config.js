import { availableParallelism } from "node:os";

const CORES = availableParallelism();

/** @type {import('jest').Config} */
export default {
  testEnvironment: "<rootDir>/test/jest/environment.js",
  testSequencer: "<rootDir>/test/jest/sequencer.js",
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "es6" } },
    ],
  },
  testTimeout: 30_000,
  // A worker waits most of its time for real programs, so a small machine bears one more than it has cores (three on two: measured, see
  // docs/testing.md); a large one gains nothing by it.
  maxWorkers: CORES <= 4 ? Math.ceil(CORES * 1.5) : CORES,
};
