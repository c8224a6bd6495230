// What a team would write for its PgBouncer host: leads one database to another server, and writes the same again without harm.
import { chownSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

const [file, database, host, port] = process.argv.slice(2);
const line = new RegExp(`^(${database} = )host=\\S+ port=\\S+`, "m");
const before = readFileSync(file, "utf8");
if (!line.test(before)) throw new Error(`${file} serves no database ${database}`);
const { uid, gid } = statSync(file);
writeFileSync(`${file}.new`, before.replace(line, `$1host=${host} port=${port}`), { mode: 0o600 });
chownSync(`${file}.new`, uid, gid);
renameSync(`${file}.new`, file);
