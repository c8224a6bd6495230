/** Slack user ids of the practice workspace's people: no one real has one of these. A test holds it against that workspace. */
export const practiceAccounts: readonly string[] =
  "UALEX USAM UVERA UTONI UCASS UDANA UERIN UMAX UGIL UODA UDEE ULIFEBOAT".split(" ");
