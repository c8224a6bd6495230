import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { navigation } from "./navigation.ts";

const docs = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const repository = resolve(docs, "..");
/** Where the repository can be read, up to and including the branch. Unset: links to files outside `docs/` are plain text. */
const source = process.env.LIFEBOAT_SOURCE_URL?.replace(/\/$/, "");

/** The pages of a generated folder, below its index. */
function pagesIn(folder: string) {
  return readdirSync(join(docs, folder))
    .filter((file) => file.endsWith(".md") && file !== "index.md")
    .map((file) => file.replace(/\.md$/, ""))
    .map((name) => ({ text: name, link: `/${folder}/${name}` }));
}

const sidebar = navigation.map((section) => ({
  ...section,
  items: section.items.map((item) => ({
    ...item,
    ...(/^\/reference\/\w+\/$/.test(item.link) && { collapsed: true, items: pagesIn(item.link.slice(1, -1)) }),
  })),
}));

export default defineConfig({
  title: "Lifeboat",
  description: "A self-hosted Slack ChatOps bot for disaster recovery",
  base: process.env.LIFEBOAT_DOCS_BASE ?? "/",
  rewrites: { "decisions/README.md": "decisions/index.md" },
  cleanUrls: true,
  themeConfig: {
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    ...(source && { editLink: { pattern: `${source}/docs/:path` } }),
  },
  markdown: {
    config(md) {
      const inSite = md.renderer.rules.link_open;
      md.renderer.rules.link_open = (tokens, index, options, env, self) => {
        const token = tokens[index];
        const href = token?.attrGet("href") ?? "";
        const page = join(docs, dirname(String(env.realPath ? relative(docs, env.realPath) : env.relativePath)));
        const target = /^[a-z]+:|^#|^\//.test(href) ? "" : resolve(page, decodeURI(href.split("#")[0] ?? ""));
        if (target === "" || target.startsWith(`${docs}/`) || target === docs)
          return inSite ? inSite(tokens, index, options, env, self) : self.renderToken(tokens, index, options);
        if (!existsSync(target)) throw new Error(`${env.relativePath} links to ${href}, which does not exist`);
        if (token) token.attrs = source ? [["href", `${source}/${relative(repository, target)}`]] : [];
        return self.renderToken(tokens, index, options);
      };
    },
  },
});
