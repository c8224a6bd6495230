#!/usr/bin/env node
// Checks an evidence pack of Lifeboat offline. One file, Node 20 or later, nothing else: read it before you trust it.
// The format it checks is specified in docs/evidence.md. It shares no code with what writes packs.
import { createHash, createPublicKey, verify as verifySignature, X509Certificate } from "node:crypto";
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `Usage: lifeboat-verify <pack> [options]

  --key <public key>         a public key of the operator, SPKI in base64 or a PEM file; may be repeated. Without it the
                             pack's own keys are used, and that proves only that the pack is consistent
  --heads <file>             signed heads or checkpoints kept outside the store (lifeboat verify --heads, objects of a
                             locked bucket), a line each: is all of it still there?
  --checkpoint <sha256>      the hash of a checkpoint that was placed outside (Slack, mail); may be repeated
  --tsa-ca <file>            certificates of timestamp authorities you trust, PEM
  --json                     everything that was found, as JSON

Exit code 0: the pack is whole. 1: it is not; a line each says what. 2: it could not be checked.
`;

const NONE = "0".repeat(64);
const LISTED = 20;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** What is wrong, each with a code that says of which kind it is. */
class Findings {
  problems = [];
  facts = [];
  problem(code, where, says) {
    this.problems.push({ code, where, says });
  }
  fact(says) {
    this.facts.push(says);
  }
}

function main() {
  let given;
  try {
    given = parseArgs({
      allowPositionals: true,
      options: {
        key: { type: "string", multiple: true, default: [] },
        heads: { type: "string" },
        checkpoint: { type: "string", multiple: true, default: [] },
        "tsa-ca": { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = given;
  if (values.help || positionals.length !== 1) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : 2;
  }
  try {
    const found = check(positionals[0], {
      keys: values.key.map(readKey),
      heads: values.heads === undefined ? [] : signedLines(readFileSync(values.heads, "utf8")),
      checkpoints: values.checkpoint.map((text) => text.trim().toLowerCase()),
      authorities: values["tsa-ca"] === undefined ? null : certificatesIn(readFileSync(values["tsa-ca"], "utf8")),
    });
    print(found, values.json);
    return found.problems.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${shown(`It could not be checked: ${error.message}`)}\n`);
    return 2;
  }
}

/** A pack is a stranger's: what stands in it may not end a line, move the cursor or hide a word of this report. */
function shown(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`,
  );
}

function print({ problems, facts }, json) {
  if (json) {
    process.stdout.write(`${JSON.stringify({ whole: problems.length === 0, problems, facts }, null, 2)}\n`);
    return;
  }
  for (const { code, where, says } of problems) process.stdout.write(`${shown(`${code}: ${where}: ${says}`)}\n`);
  for (const says of facts) process.stdout.write(`${shown(says)}\n`);
  process.stdout.write(
    problems.length === 0 ? "The pack is whole.\n" : `The pack is NOT whole: ${problems.length} problems.\n`,
  );
}

// The whole check

function check(pack, { keys, heads, checkpoints, authorities }) {
  const found = new Findings();
  if (!isPlainFile(join(pack, "manifest.json"))) throw new Error("there is no manifest.json, or it is no plain file");
  const bytes = readFileSync(join(pack, "manifest.json"));
  const manifest = manifestIn(bytes);
  const ring = keyring(manifest, keys, found);
  checkManifestSignature(pack, bytes, ring, found);
  const changed = checkFiles(pack, manifest, found);
  checkPopulation(manifest, found);
  const timelines = new Map();
  for (const entry of manifest.timelines)
    if (!timelines.has(entry.stream)) timelines.set(entry.stream, checkTimeline(pack, entry, changed, found));
  const held = { timelines, query: manifest.query, missing: new Map(), unsure: new Map() };
  checkPlans(pack, manifest, found);
  const statements = isPlainFile(join(pack, "statements.jsonl"))
    ? signedLines(readFileSync(join(pack, "statements.jsonl"), "utf8"))
    : [];
  checkStatements(statements, "statements.jsonl", held, ring, found);
  checkStatements(heads, "the heads kept outside", held, ring, found);
  checkAnchors(held, { ring, checkpoints, authorities }, found);
  sayMissing(held, found);
  // What no better name was found for.
  for (const [path, says] of changed) found.problem("file-changed", path, says);
  summarize(manifest, timelines, ring, found);
  return found;
}

function manifestIn(bytes) {
  let manifest;
  try {
    manifest = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Error("manifest.json is no JSON");
  }
  if (manifest?.format !== "lifeboat-evidence/1")
    throw new Error(
      `manifest.json is of the format ${JSON.stringify(manifest?.format)}; this program knows lifeboat-evidence/1`,
    );
  for (const path of [...manifest.files.map(({ path }) => path), ...manifest.timelines.map(({ file }) => file)])
    if (typeof path !== "string" || /[\\\0]/.test(path) || path.split("/").some((part) => /^\.{0,2}$/.test(part)))
      throw new Error(`manifest.json names a file outside the pack: ${path}`);
  const { from, to, system } = manifest.query;
  if (!(Date.parse(from) < Date.parse(to))) throw new Error("manifest.json names no period");
  if (system !== null && typeof system !== "string") throw new Error("manifest.json doesn't say of which system it is");
  return manifest;
}

/** Each timeline once, in a file of its own that is listed; and each file of a timeline with its entry, or nothing checks its chain. */
function checkPopulation({ files, timelines }, found) {
  const where = "manifest.json";
  const paths = files.map(({ path }) => path);
  const entries = timelines.map(({ file }) => file);
  for (const path of twice(paths)) found.problem("file-twice", where, `it lists the file ${path} twice`);
  for (const stream of twice(timelines.map(({ stream }) => stream)))
    found.problem("timeline-twice", where, `it names the timeline ${stream} twice`);
  for (const file of twice(entries)) found.problem("timeline-twice", where, `it names two timelines in ${file}`);
  const listed = new Set(paths);
  for (const { stream, file } of timelines) {
    if (!listed.has(file))
      found.problem("timeline-unlisted", where, `${file}, the timeline ${stream}, isn't among its files`);
    if (!/^timelines\/[^/]+\.jsonl$/.test(file))
      found.problem("timeline-unlisted", where, `${file}, the timeline ${stream}, isn't where timelines are`);
  }
  const named = new Set(entries);
  for (const path of listed)
    if (path.startsWith("timelines/") && !named.has(path))
      found.problem("timeline-unnamed", path, "it is among the files, and no timeline of the manifest is in it");
}

function twice(names) {
  const seen = new Set();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
}

function summarize(manifest, timelines, ring, found) {
  const { record, query, erased } = manifest;
  let events = 0;
  let signed = 0;
  for (const { lines, signedUpTo } of timelines.values()) {
    events += lines.length;
    signed += Math.min(signedUpTo, lines.length);
  }
  found.fact(`Period: ${query.from} to ${query.to}${query.system === null ? "" : `, system ${query.system}`}.`);
  found.fact(`Timelines: ${timelines.size}, events: ${events}, of them up to a signed head: ${signed}.`);
  if (record.problems.length > 0)
    found.problem(
      "record-not-whole",
      "manifest.json",
      `the exporter found ${record.problems.length} problems in the record`,
    );
  if (manifest.leftOut !== undefined)
    found.fact(
      `Left out on purpose: ${Number(manifest.leftOut.privateIncidents)} private incidents. It isn't the whole population.`,
    );
  found.fact(
    `Authentication codes: the exporter says that ${record.authenticated} events have one that holds, and ${record.sealed} are older.`,
  );
  for (const { person, at, because } of erased)
    found.fact(
      `Erased: ${person} at ${at}${because === null ? "" : ` (${because})`}. Their name is gone; what they did stands.`,
    );
  if (ring.trusted) found.fact(`Keys: given by you (${[...ring.keys.keys()].join(", ")}).`);
  else
    found.fact(
      "Keys: the pack's own, so they prove only that it is consistent. Give --key with the operator's public key.",
    );
}

// Keys and signatures

/** SPKI in base64, or PEM, or a file with either. */
function readKey(text) {
  const content = existsSync(text) ? readFileSync(text, "utf8") : text;
  const key = content.includes("BEGIN")
    ? createPublicKey(content)
    : createPublicKey({ key: Buffer.from(content.trim(), "base64"), format: "der", type: "spki" });
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`A key is ${key.asymmetricKeyType}, not Ed25519`);
  return key;
}

/** The first 16 hexadecimal digits of the SHA-256 of the key's SPKI in base64. */
function keyId(key) {
  return sha256(key.export({ format: "der", type: "spki" }).toString("base64")).slice(0, 16);
}

function keyring(manifest, given, found) {
  if (given.length > 0) return { trusted: true, keys: new Map(given.map((key) => [keyId(key), key])) };
  const own = new Map();
  for (const { id, publicKey } of manifest.keys) {
    const key = readKey(publicKey);
    if (keyId(key) !== id) found.problem("key-wrong", "manifest.json", `the key ${id} has another id`);
    own.set(keyId(key), key);
  }
  return { trusted: false, keys: own };
}

/** "holds", "broken", or "unknown": by a key that isn't known. */
function signatureOf({ text, key, signature }, ring) {
  const known = ring.keys.get(key);
  if (known === undefined) return "unknown";
  try {
    return verifySignature(null, Buffer.from(text, "utf8"), known, Buffer.from(signature, "base64"))
      ? "holds"
      : "broken";
  } catch {
    return "broken";
  }
}

function checkManifestSignature(pack, bytes, ring, found) {
  const where = "manifest.json";
  if (!isPlainFile(join(pack, "manifest.sig"))) {
    found.problem("manifest-unsigned", where, "manifest.sig is missing: nothing says who made this pack");
    return;
  }
  const [signed] = signedLines(readFileSync(join(pack, "manifest.sig"), "utf8"));
  const how = signed === undefined ? "broken" : signatureOf(signed, ring);
  if (how === "unknown") {
    found.problem(
      "manifest-signature",
      where,
      `it is signed with the key ${signed.key}, which isn't ${ring.trusted ? "one you gave" : "in the pack"}`,
    );
    return;
  }
  if (how === "broken") {
    found.problem("manifest-signature", where, "its signature doesn't hold");
    return;
  }
  const statement = JSON.parse(signed.text);
  if (statement.statement !== "lifeboat/pack/1" || statement.manifest !== sha256(bytes))
    found.problem("manifest-changed", where, "it was changed after it was signed, or the signature is of another pack");
}

/** Lines of JSON with `text`, `key` and `signature`. One that isn't is left as something whose signature is broken. */
function signedLines(content) {
  return content
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      try {
        const { text, key, signature } = JSON.parse(line);
        return { text: String(text), key: String(key), signature: String(signature) };
      } catch {
        return { text: line, key: "", signature: "" };
      }
    });
}

// Files

/** Names what is missing, too much, swapped or from another pack. What is changed in another way is given back, to be named better. */
function checkFiles(pack, manifest, found) {
  const named = new Map(manifest.files.map((file) => [file.path, file]));
  const bySha = new Map(manifest.files.map((file) => [file.sha256, file.path]));
  const changed = new Map();
  const there = new Set(filesBelow(pack, pack));
  for (const path of there)
    if (!named.has(path) && path !== "manifest.json" && path !== "manifest.sig")
      found.problem("file-extra", path, "the manifest doesn't name it");
  for (const { path, bytes, sha256: wanted } of manifest.files) {
    if (!there.has(path)) {
      found.problem("file-missing", path, "it was removed");
      continue;
    }
    const place = join(pack, path);
    if (!isPlainFile(place)) {
      found.problem("file-changed", path, "it is no plain file");
      continue;
    }
    const { digest, size } = digestOf(place);
    if (digest === wanted && size === bytes) continue;
    const whose = bySha.get(digest);
    const other = whose === undefined ? otherQuery(place, manifest) : null;
    if (whose !== undefined) found.problem("file-swapped", path, `it holds what ${whose} should hold`);
    else if (other !== null) found.problem("file-from-another-pack", path, `it is from the pack of ${other}`);
    else
      changed.set(path, size === bytes ? "its bytes were changed" : `it has ${size} bytes, the manifest says ${bytes}`);
  }
  return changed;
}

/** Reading a pipe or a device might never end, and a link leads out of the pack. */
function isPlainFile(place) {
  return lstatSync(place, { throwIfNoEntry: false })?.isFile() ?? false;
}

function filesBelow(folder, root) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path, root) : [relative(root, path).split(sep).join("/")];
  });
}

function digestOf(place) {
  // Read in pieces: a timeline may be larger than memory.
  const hash = createHash("sha256");
  let size = 0;
  for (const piece of piecesOf(place)) {
    hash.update(piece);
    size += piece.length;
  }
  return { digest: hash.digest("hex"), size };
}

function* piecesOf(place) {
  const file = openSync(place, "r");
  try {
    const piece = Buffer.alloc(1 << 20);
    for (;;) {
      const read = readSync(file, piece, 0, piece.length, null);
      if (read === 0) return;
      yield piece.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

/** Files of a pack say which query they answer: one from another pack is told by that. */
function otherQuery(place, manifest) {
  if (!place.endsWith(".json")) return null;
  try {
    const { query } = JSON.parse(readFileSync(place, "utf8"));
    if (query === undefined || JSON.stringify(query) === JSON.stringify(manifest.query)) return null;
    return `${query.from} to ${query.to}${query.system === null ? "" : `, system ${query.system}`}`;
  } catch {
    return null;
  }
}

/** Plans stand under the SHA-256 of their bytes. */
function checkPlans(pack, manifest, found) {
  for (const { path } of manifest.files) {
    const hash = /^plans\/([0-9a-f]{64})\.json$/.exec(path)?.[1];
    if (hash === undefined || !isPlainFile(join(pack, path))) continue;
    if (digestOf(join(pack, path)).digest !== hash) found.problem("plan-changed", path, "it isn't what has this hash");
  }
}

// Timelines

/** Lines without their line feeds. JSON may hold other line separators, so only this one byte counts. */
function* linesOf(place) {
  let rest = Buffer.alloc(0);
  for (const piece of piecesOf(place)) {
    const all = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = all.indexOf(10, from); end >= 0; end = all.indexOf(10, from)) {
      yield all.subarray(from, end);
      from = end + 1;
    }
    rest = all.subarray(from);
  }
  if (rest.length > 0) yield rest;
}

/** Of each event what its place and its chain need; of checkpoints also what they say. */
function readTimeline(place) {
  const lines = [];
  for (const bytes of linesOf(place)) {
    const line = { version: null, previousHash: null, stream: null, hash: sha256(bytes), said: null };
    try {
      const { version, previousHash, stream, type, data } = JSON.parse(bytes.toString("utf8"));
      Object.assign(line, { version, previousHash, stream });
      if (/^(checkpoint|anchor)\./.test(type)) line.said = { type, data };
    } catch {
      // A line that can't be read has no place; its hash still breaks the chain.
    }
    lines.push(line);
  }
  return lines;
}

function checkTimeline(pack, entry, changed, found) {
  const nothing = { entry, lines: [], signedUpTo: 0, byVersion: new Map() };
  const place = join(pack, entry.file);
  if (!isPlainFile(place)) return nothing;
  const lines = readTimeline(place);
  const kept = keptHashes(pack, entry, changed);
  const wrong = wrongWith(lines, entry, kept);
  for (const { code, says } of wrong.slice(0, LISTED)) found.problem(code, entry.file, says);
  if (wrong.length > LISTED)
    found.problem("more", entry.file, `${wrong.length - LISTED} more things are wrong with it`);
  if (wrong.length > 0) changed.delete(entry.file);
  const whole = wrong.length === 0;
  return { entry, lines, whole, signedUpTo: 0, byVersion: new Map(lines.map((line) => [line.version, line])) };
}

/** The hashes of `authentication/`, by version, where that file is what the manifest names. */
function keptHashes(pack, entry, changed) {
  const path = entry.file.replace(/^timelines\/(.*)\.jsonl$/, "authentication/$1.csv");
  if (changed.has(path) || !isPlainFile(join(pack, path))) return new Map();
  const rows = readFileSync(join(pack, path), "utf8").split("\r\n").slice(1);
  return new Map(rows.filter((row) => row !== "").map((row) => [Number(row.split(",")[0]), row.split(",")[1]]));
}

function wrongWith(lines, entry, kept) {
  const wrong = [];
  const add = (code, says) => wrong.push({ code, says });
  const other = lines.find(({ stream }) => stream !== null && stream !== entry.stream);
  if (other !== undefined && lines.every(({ stream }) => stream === other.stream)) {
    add("timeline-swapped", `it is the timeline of ${other.stream}, not of ${entry.stream}`);
    return wrong;
  }
  const unread = lines.findIndex(({ version }) => !Number.isSafeInteger(version));
  if (unread >= 0) {
    add("event-changed", `event ${unread + 1} was changed after it was written: the line is no event`);
    return wrong;
  }
  const inOrder = orderOf(lines, add);
  const gaps = gapsIn(inOrder, add);
  checkEnd(inOrder, entry, kept, add);
  checkChain(inOrder, entry, kept, gaps, add);
  return wrong;
}

/** Events in the order of their versions. Where that isn't how they stand, it is said. */
function orderOf(lines, add) {
  const first = lines.findIndex((line, at) => at > 0 && line.version <= lines[at - 1].version);
  if (first < 0) return lines;
  const sorted = [...lines].sort((one, two) => one.version - two.version);
  const twice = sorted.find((line, at) => at > 0 && line.version === sorted[at - 1].version);
  if (twice !== undefined) add("events-twice", `event ${twice.version} stands there twice`);
  else {
    const out = lines.findIndex((line, at) => line.version !== sorted[at].version);
    add(
      "events-reordered",
      `its events are out of order: event ${lines[out].version} stands where event ${sorted[out].version} belongs`,
    );
  }
  return sorted;
}

function gapsIn(lines, add) {
  const gaps = new Set();
  let last = 0;
  for (const { version } of lines) {
    if (version > last + 1) {
      gaps.add(version);
      add(
        "events-missing",
        last + 2 === version ? `event ${last + 1} is missing` : `events ${last + 1} to ${version - 1} are missing`,
      );
    }
    last = version;
  }
  return gaps;
}

function checkEnd(lines, entry, kept, add) {
  const end = lines.at(-1)?.version ?? 0;
  if (!(entry.version >= 1)) add("events-missing", "the manifest names no event of it");
  if (end < entry.version)
    add("tail-cut", `its tail was cut off: it ends at event ${end}, the manifest names event ${entry.version}`);
  if (end > entry.version) add("events-added", `it goes on to event ${end}, the manifest ends at ${entry.version}`);
  if (end < entry.version && kept.size > 0 && kept.size < entry.version)
    add("tail-cut", `authentication names ${kept.size} events, the manifest ${entry.version}`);
}

/**
 * An event whose hash isn't what its successor names was changed. Where every link holds and the end is another one than the manifest
 * names, everything from some event on was rewritten.
 */
function checkChain(lines, entry, kept, gaps, add) {
  const broken = new Set();
  let last = { version: 0, hash: NONE };
  for (const line of lines) {
    const follows = line.version === last.version + 1;
    if (follows && !gaps.has(line.version) && line.previousHash !== last.hash) broken.add(line.version);
    last = line;
  }
  const end = lines.at(-1);
  const endDiffers = end !== undefined && end.version === entry.version && end.hash !== entry.hash;
  const differing = lines.filter(({ version, hash }) => kept.has(version) && kept.get(version) !== hash);
  if (broken.size === 0 && !endDiffers) return;
  if (broken.size === 0) {
    const from = differing[0]?.version;
    if (end.version === 1 || from === end.version) {
      add("event-changed", `event ${end.version} was changed after it was written`);
      return;
    }
    add(
      "rewritten",
      from === undefined
        ? `its last event was changed, or it was rewritten from an earlier one on: every event follows the one before, and its end isn't the one the manifest names`
        : `it was rewritten from event ${from} on: every event follows the one before, and its end isn't the one the manifest names`,
    );
    return;
  }
  if (differing.length > 0) {
    for (const { version } of differing) add("event-changed", `event ${version} was changed after it was written`);
    return;
  }
  // Without the hashes beside it: the event before the link that doesn't hold, or the one whose own link was changed.
  for (const version of broken) {
    if (version === 1) add("event-changed", "event 1 was changed after it was written, or events before it are gone");
    else if (broken.has(version - 1)) continue;
    else if (broken.has(version + 1) || (version === end.version && endDiffers))
      add("event-changed", `event ${version} was changed after it was written`);
    else add("event-changed", `event ${version - 1} was changed after it was written`);
  }
}

// Signed heads

function checkStatements(statements, where, held, ring, found) {
  let holding = 0;
  for (const signed of statements) {
    const how = signatureOf(signed, ring);
    if (how !== "holds") {
      const says =
        how === "broken"
          ? "a signed statement was changed after it was signed"
          : `a statement is signed with the key ${signed.key}, which isn't known here`;
      found.problem(how === "broken" ? "statement-changed" : "statement-unknown-key", where, says);
      continue;
    }
    holding += 1;
    const said = JSON.parse(signed.text);
    if (said.statement === "lifeboat/head/1") checkHead(said, where, held, found);
    if (said.statement === "lifeboat/seal/1")
      for (const head of said.streams) checkHead({ ...head, at: said.at, seal: true, old: true }, where, held, found);
    if (said.statement === "lifeboat/checkpoint/1")
      for (const head of said.heads)
        checkHead(
          { ...head, at: said.at, old: said.previous === null, by: `checkpoint ${said.checkpoint} of ${said.at}` },
          where,
          held,
          found,
        );
    if (said.statement === "lifeboat/acceptance/1")
      found.fact(`Accepted by ${said.by} at ${said.at}: the store came back other than it was seen (${said.reason}).`);
  }
  if (statements.length > 0)
    found.fact(`Signed statements that hold, of ${where}: ${holding} of ${statements.length}.`);
}

/** Heads from so long after the beginning of a period may still name an event from before it: they are signed, and checkpoints made, later. */
const LATE_MS = 2 * 24 * 3_600_000;

/** A head someone vouched for: the event it names is in the pack, unless it may be from before the period or after it. */
function checkHead({ stream, version, hash, at, seal, old, by }, where, held, found) {
  const timeline = held.timelines.get(stream);
  const who = by ?? (seal ? `the seal of ${at}` : `a head signed at ${at}`);
  if (timeline === undefined) {
    missed({ stream, version, at, old, who: `${who} (${where})` }, held);
    return;
  }
  const { entry, byVersion, lines } = timeline;
  const line = byVersion.get(version);
  const end = lines.at(-1)?.version ?? 0;
  if (line === undefined) {
    // What was signed before the period ended is of an event before that: only a later head may name one that comes after the pack.
    const isLater = Date.parse(at) >= Date.parse(held.query.to);
    if (version <= end || isLater) return;
    found.problem(
      "tail-cut",
      entry.file,
      `its tail was cut off: it ends at event ${end}, and ${who} (${where}) names event ${version}`,
    );
  } else if (line.hash !== hash) {
    // Where its chain is broken, that was said: one changed event isn't a rewritten timeline.
    if (timeline.whole)
      found.problem(
        "rewritten",
        entry.file,
        `it was rewritten: its event ${version} isn't the one ${who} (${where}) names`,
      );
  } else timeline.signedUpTo = Math.max(timeline.signedUpTo, version);
}

/** `old`: it names all timelines there were, also those that had long ended. */
function missed({ stream, version, at, old, who }, { query, missing, unsure }) {
  const moment = Date.parse(at);
  const from = Date.parse(query.from);
  if (query.system !== null || !(moment >= from && moment < Date.parse(query.to))) return;
  (old || moment < from + LATE_MS ? unsure : missing).set(stream, `${who} names event ${version} of it`);
}

function sayMissing({ query, missing, unsure }, found) {
  const next = `A pack from before ${query.from} shows it if it ended earlier`;
  for (const [stream, says] of missing)
    found.problem("timeline-missing", stream, `${says}, in the period, and it isn't in the pack. ${next}`);
  for (const [stream, says] of unsure)
    if (!missing.has(stream)) found.fact(`Not in the pack: ${stream}. ${says}, maybe from before the period. ${next}.`);
}

// Checkpoints and where they were placed

function checkAnchors(held, { ring, checkpoints, authorities }, found) {
  const events = (held.timelines.get("anchors")?.lines ?? []).flatMap(({ said }) => (said === null ? [] : [said]));
  const made = new Map();
  let before = null;
  for (const { type, data } of events) {
    if (type !== "checkpoint.made") continue;
    const where = `checkpoint ${data.checkpoint}`;
    if (sha256(Buffer.from(data.statement, "utf8")) !== data.sha256) {
      found.problem("checkpoint-changed", where, "its statement hasn't the hash that was placed");
      continue;
    }
    const how = signatureOf({ text: data.statement, key: data.key, signature: data.signature }, ring);
    if (how !== "holds")
      found.problem(
        "checkpoint-signature",
        where,
        how === "broken"
          ? "its signature doesn't hold"
          : `it is signed with the key ${data.key}, which isn't known here`,
      );
    const statement = JSON.parse(data.statement);
    if (statement.previous !== before)
      found.problem("checkpoint-order", where, "it doesn't follow the checkpoint before it");
    before = data.sha256;
    made.set(data.sha256, { number: data.checkpoint, at: statement.at });
    for (const { stream, version, hash } of statement.heads)
      checkHead(
        {
          ...{ stream, version, hash, at: statement.at, old: statement.previous === null },
          by: `checkpoint ${data.checkpoint} of ${statement.at}`,
        },
        "placed outside",
        held,
        found,
      );
  }
  for (const wanted of checkpoints) {
    const known = made.get(wanted);
    if (known === undefined)
      found.problem(
        "checkpoint-missing",
        wanted,
        "this checkpoint was placed outside and isn't in the pack: the record was cut, rewritten, or the period doesn't reach it",
      );
    else
      found.fact(
        `Checkpoint ${known.number} of ${known.at} is the one you were given: everything up to it is as it was then.`,
      );
  }
  const places = new Map();
  for (const { type, data } of events) {
    if (type !== "anchor.placed") continue;
    if (!made.has(data.sha256)) {
      found.problem(
        "anchor-stray",
        `checkpoint ${data.checkpoint}`,
        `what was placed (${data.place}) is no checkpoint of the pack`,
      );
      continue;
    }
    places.set(data.place, (places.get(data.place) ?? 0) + 1);
    if (data.place === "rfc3161") checkTimestamp(data, made.get(data.sha256), authorities, found);
  }
  if (made.size > 0) {
    const list = [...places].map(([place, count]) => `${place}: ${count}`).join(", ") || "nowhere";
    found.fact(
      `Checkpoints: ${made.size}, placed outside: ${list}. Compare some with what stands there, by --checkpoint.`,
    );
  } else found.fact("Checkpoints: none. Nothing outside the operator's store says when this record was as it is.");
}

// RFC 3161 (the answer of a timestamp authority) over RFC 5652 (signed data), as far as one is needed

function checkTimestamp({ checkpoint, sha256: digest, receipt }, made, authorities, found) {
  const where = `timestamp of checkpoint ${checkpoint}`;
  try {
    const token = timestampIn(Buffer.from(receipt.token, "base64"));
    if (token.imprint !== digest) return found.problem("timestamp-other", where, "it is of something else");
    const signer = token.certificates.find((one) => signedBy(token, one));
    if (signer === undefined)
      return found.problem("timestamp-signature", where, "no certificate in it holds for its signature");
    if (!(signer.keyUsage ?? []).includes("1.3.6.1.5.5.7.3.8"))
      return found.problem("timestamp-signature", where, `${nameOf(signer)} isn't a certificate for timestamps`);
    const at = new Date(token.at);
    if (at < new Date(signer.validFrom) || at > new Date(signer.validTo))
      return found.problem("timestamp-signature", where, `the certificate of ${nameOf(signer)} wasn't valid then`);
    const trusted = authorities === null ? null : isIssued(signer, token.certificates, authorities);
    if (trusted === false)
      return found.problem("timestamp-authority", where, `${nameOf(signer)} isn't issued by an authority you gave`);
    const how = trusted ? "an authority you trust" : "not checked against an authority (--tsa-ca)";
    found.fact(`Timestamp of checkpoint ${checkpoint} (${made.at}): ${token.at}, by ${nameOf(signer)}; ${how}.`);
  } catch (error) {
    found.problem("timestamp-unreadable", where, error.message);
  }
}

const nameOf = ({ subject }) => subject.split("\n").at(-1);

function isIssued(certificate, between, authorities, depth = 0) {
  if (depth > 8) return false;
  const issuedBy = (one) => certificate.checkIssued(one) && certificate.verify(one.publicKey);
  if (authorities.some((one) => one.fingerprint256 === certificate.fingerprint256 || issuedBy(one))) return true;
  return between.some(
    (one) =>
      one.fingerprint256 !== certificate.fingerprint256 &&
      issuedBy(one) &&
      isIssued(one, between, authorities, depth + 1),
  );
}

const DIGESTS = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** What is signed are the attributes, which name the content's digest; their tag is that of a set. */
function signedBy({ attributes, signature, digest }, certificate) {
  const algorithm = certificate.publicKey.asymmetricKeyType === "ed25519" ? null : digest;
  try {
    return verifySignature(algorithm, attributes, certificate.publicKey, signature);
  } catch {
    return false;
  }
}

function timestampIn(response) {
  const [status, content] = inside(one(response, 0));
  const granted = number(inside(status)[0]);
  if (granted > 1 || content === undefined) throw new Error(`the authority refused it (status ${granted})`);
  const [, wrapped] = inside(content);
  const parts = inside(inside(wrapped)[0]);
  const [, eContent] = inside(parts[2]);
  const info = inside(eContent)[0].content;
  const infoParts = inside(one(info, 0));
  const [algorithm, hashed] = inside(infoParts[2]);
  if (DIGESTS[oid(inside(algorithm)[0])] !== "sha256") throw new Error("it is over another hash than SHA-256");
  const certificates = parts
    .filter(({ tag }) => tag === 0xa0)
    .flatMap((set) => inside(set).map(({ whole }) => new X509Certificate(whole)));
  const signer = inside(inside(parts.at(-1))[0]);
  const digest = DIGESTS[oid(inside(signer[2])[0])];
  if (digest === undefined || signer[3]?.tag !== 0xa0)
    throw new Error("it is signed in a way this program doesn't know");
  const attributes = Buffer.from(signer[3].whole);
  attributes[0] = 0x31;
  const named = inside(signer[3]).find((attribute) => oid(inside(attribute)[0]) === "1.2.840.113549.1.9.4");
  const wanted = named === undefined ? null : inside(inside(named)[1])[0].content;
  if (wanted === null || !wanted.equals(createHash(digest).update(info).digest()))
    throw new Error("its content was changed after it was signed");
  return {
    ...{ imprint: hashed.content.toString("hex"), at: generalizedTime(infoParts[4]), certificates, attributes, digest },
    signature: signer[5].content,
  };
}

/** One DER value at a place: its tag, its content and all of its bytes. */
function one(bytes, at) {
  const tag = bytes[at];
  let length = bytes[at + 1];
  let from = at + 2;
  if (tag === undefined || length === undefined) throw new Error("it is cut short");
  if (length === 0x80) throw new Error("it isn't DER");
  if (length > 0x80) {
    const count = length & 0x7f;
    if (count > 4) throw new Error("it isn't DER");
    length = bytes.readUIntBE(from, count);
    from += count;
  }
  if (from + length > bytes.length) throw new Error("it is cut short");
  return { tag, content: bytes.subarray(from, from + length), whole: bytes.subarray(at, from + length) };
}

function inside({ content }) {
  const found = [];
  for (let at = 0; at < content.length; ) {
    const value = one(content, at);
    found.push(value);
    at += value.whole.length;
  }
  return found;
}

const number = ({ content }) => Number.parseInt(content.toString("hex"), 16);

function oid({ content }) {
  const numbers = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const [first] = numbers;
  return [
    Math.min(Math.floor(first / 40), 2),
    first - Math.min(Math.floor(first / 40), 2) * 40,
    ...numbers.slice(1),
  ].join(".");
}

/** `20261130104605Z` as ISO 8601. */
function generalizedTime({ content }) {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(content.toString("latin1"));
  if (found === null) throw new Error("its time can't be read");
  const [, year, month, day, hour, minute, second, part = ""] = found;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${part}Z`;
}

function certificatesIn(pem) {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error("there is no certificate in the file of --tsa-ca");
  return found.map((one) => new X509Certificate(one));
}

process.exitCode = main();
