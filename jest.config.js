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
  // One a core. A worker waits most of its time for real programs, so `npm test -- --maxWorkers=3` on two cores is shorter; it isn't the
  // rule until the whole suite has passed with it again and again.
  maxWorkers: "100%",
};
