/** The local Slack: the workspace, what people do in it, and what of its objects others read. */
export type { Choice, Filled } from "./blockkit/answers.ts";
export { driveWorkspace, type Persona, type Values } from "./driver.ts";
export type { Mount } from "./http.ts";
export type { Manifest } from "./manifest.ts";
export type { Message, View } from "./objects.ts";
export type { Outcome, UserAction } from "./user-actions/user-action.ts";
export { createWorkspace, type Workspace, type WorkspaceOptions } from "./workspace.ts";
