import all from "./jest.config.js";
import { withProcesses } from "./test/jest/environment.js";

/** @type {import('jest').Config} */
export default {
  ...all,
  testPathIgnorePatterns: withProcesses.map((file) => `^<rootDir>/${file.replaceAll(".", "\\.")}$`),
};
