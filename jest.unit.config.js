import all from "./jest.config.js";
import { withProcesses } from "./test/jest/environment.js";

/** @type {import('jest').Config} */
export default {
  ...all,
  testEnvironmentOptions: { processes: false },
  testPathIgnorePatterns: withProcesses.map((file) => `^<rootDir>/${file.replaceAll(".", "\\.")}$`),
};
