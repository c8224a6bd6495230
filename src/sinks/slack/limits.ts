/**
 * Every limit of Slack Lifeboat has to respect, and where the number is from: [DOC] Slack's documentation, [METH] a
 * method's page, [TYPES] comments in @slack/types, [ISSUE] a public report. `truncate.ts` applies them.
 */
export const limits = {
  /** chat.postMessage takes 40 000 characters, chat.update refuses above 4000 (`msg_too_long`), and every message may have to be edited. [METH] */
  messageText: 4000,
  /** What is answered to one person is never edited, and cut at 40 000; more than this no one hears to its end. [METH] chat.postEphemeral */
  replyText: 12_000,
  /** [DOC] blocks */
  messageBlocks: 50,
  viewBlocks: 100,
  /** Characters in all blocks of a message: undocumented, `msg_blocks_too_long` was reported at about 13 200. [ISSUE] bolt-js#2509 */
  messageBlocksText: 12_000,
  /** [TYPES] */
  sectionText: 3000,
  fieldText: 2000,
  fields: 10,
  headerText: 150,
  contextElements: 10,
  actionsElements: 25,
  buttonText: 75,
  buttonValue: 2000,
  url: 3000,
  accessibilityLabel: 75,
  id: 255,
  options: 100,
  /** Live documentation may say 150; the types say 75, and 75 passes both. [TYPES] */
  optionText: 75,
  optionValue: 75,
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
  /** Bytes of a view as JSON, `view_too_large`. [METH] views.open */
  viewBytes: 250_000,
  /** [DOC] conversations.create */
  channelName: 80,
  /** [METH] conversations.setTopic, `too_long` */
  topic: 250,
  /** Seconds between two changes of a topic: Slack posts a `channel_topic` message each time. [DOC] events/message/channel_topic */
  topicEverySeconds: 60,
  /** Users per call. [METH] conversations.invite, takes 1000; 100 is what every version of the page allowed */
  inviteUsers: 100,
  bookmarkTitle: 255,
  /** Characters. [METH] conversations.canvases.create: 1 MiB */
  canvasMarkdown: 1_048_576,
  /** [DOC] surfaces/canvases */
  canvasTableCells: 300,
  /** [DOC] rate-limits: about one message a second in a channel, short bursts tolerated. */
  postsPerSecond: 1,
  postBurst: 4,
  /** Tier 3 for the whole workspace, kept under. [METH] chat.update */
  editsPerSecond: 0.8,
  editBurst: 10,
  /** Seconds between two edits of a message no one waits for. */
  editEverySeconds: 3,
  /** The same for what may lag: the list of steps, while the card above it says how far the run is. */
  lagEverySeconds: 12,
} as const;
