import { availableParallelism } from "node:os";

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
  // A worker uses less than half a core: most of a test's time is waiting for real programs.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
};
