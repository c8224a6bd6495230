/**
 * Slack's limits as this workspace enforces them. [DOC] Slack's documentation, [METH] a method's page, [TYPES] the comments
 * in @slack/types, [ISSUE] a public report. Where Slack gives no number the stricter guess is taken and says so.
 */
export const limits = {
  /** Seconds an app has to acknowledge anything a person did. [DOC] */
  ackSeconds: 3,
  /** Seconds a `trigger_id` lives; it is good for one use. [METH] views.open */
  triggerSeconds: 3,
  /** [DOC] interactivity: five answers in thirty minutes. */
  responseUrlUses: 5,
  responseUrlSeconds: 1800,
  /** Simultaneous Socket Mode connections of one app. [DOC] */
  connections: 10,
  /** Seconds between a failed event and each next delivery of it. [DOC] "almost immediately, 1 minute, 5 minutes". */
  eventRetrySeconds: [0, 60, 300],
  /** Seconds a ticket of apps.connections.open is good for. Slack gives no number. */
  ticketSeconds: 30,

  /** chat.postMessage cuts text off here. [DOC] */
  messageTextCut: 40_000,
  /** chat.update refuses longer text with `msg_too_long`. [METH] */
  updateText: 4_000,
  /** Sum of all text in a message's blocks, `msg_blocks_too_long`. [ISSUE] bolt-js#2509 */
  messageBlocksText: 13_200,
  markdownText: 12_000,
  attachments: 100,
  /** Bytes. Slack refuses with `metadata_too_large` and gives no number. */
  metadataBytes: 2_048,
  messageBlocks: 50,
  viewBlocks: 100,
  /** Bytes of a whole view as JSON, `view_too_large`. [METH] */
  viewBytes: 250_000,
  /** Modals on top of each other: one opened and two pushed. [METH] views.push */
  viewStack: 3,

  channelName: 80,
  topic: 250,
  inviteUsers: 100,
  groupDmUsers: 8,
  /** [METH] gives the error, not the number. */
  pins: 100,
  bookmarks: 100,
  /** [METH] conversations.canvases.create */
  canvasMarkdown: 1_048_576,
  /** [DOC] surfaces/canvases */
  canvasTableCells: 300,
  pageSize: 1000,
  /** Bytes of one upload here. Slack allows 1 GB; no one practises with that. */
  fileBytes: 50 * 1024 * 1024,
  bodyBytes: 1024 * 1024,
} as const;

/** Characters in Block Kit. [TYPES], [DOC] blocks */
export const sizes = {
  sectionText: 3000,
  fieldText: 2000,
  fields: 10,
  header: 150,
  contextElements: 10,
  actionsElements: 25,
  buttonText: 75,
  value: 2000,
  url: 3000,
  label: 75,
  id: 255,
  optionText: 75,
  optionValue: 75,
  options: 100,
  optionGroups: 100,
  choices: 10,
  overflowOptions: 5,
  placeholder: 150,
  confirmTitle: 100,
  confirmText: 300,
  confirmButton: 30,
  inputLabel: 2000,
  inputHint: 2000,
  inputText: 3000,
  imageText: 2000,
  modalTitle: 24,
  privateMetadata: 3000,
  containerBlocks: 10,
  tableRows: 100,
  tableCells: 20,
} as const;

/** Calls per minute of each rate tier, per method and workspace. [DOC] rate-limits */
export const callsPerMinute = { 1: 1, 2: 20, 3: 50, 4: 100, special: 60 } as const;
export type Tier = keyof typeof callsPerMinute;
