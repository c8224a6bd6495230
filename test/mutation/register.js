import { register } from "node:module";

/** Lets tests written for Jest run in Mocha: what they import of Jest comes from `jest-in-mocha.ts`. */
register("./hook.js", import.meta.url);
