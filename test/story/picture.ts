import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "modern-gif";
import type { Browser, Locator, Page } from "playwright-core";
import { during } from "../../practice/cli/open.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { browserPath, openBrowser } from "../support/browser.ts";

/**
 * `npm run picture` takes the moving picture of the README again: plays an unplanned failover in the practice page and keeps it as
 * docs/practice.gif, with its last screen as docs/practice.png and its decision as docs/phone.png. Nothing in it is drawn by hand.
 */
const SIZE = { width: 1320, height: 825 };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const BYTES_MAX = 2_000_000;
const docs = (name: string) => join(projectRoot(), "docs", name);

interface Frame {
  readonly png: Buffer;
  /** How long it is seen, milliseconds. */
  readonly delay: number;
}

async function film(url: string): Promise<readonly Frame[]> {
  const browser = await openBrowser(browserPath() ?? "chromium");
  const frames: Frame[] = [];
  try {
    const page = await (await browser.newContext({ viewport: SIZE })).newPage();
    page.setDefaultTimeout(40_000);
    const keep = async (delay: number) => {
      // The one who presses a button low in the panel scrolls it: the servers and the graph are what is looked at.
      await page.evaluate("document.querySelector('.side-body').scrollTop = 0");
      frames.push({ png: await page.screenshot(), delay });
    };
    await page.goto(url);
    await page.getByRole("button", { name: "Close the tour" }).click();
    const environment = page.getByRole("complementary");
    await environment.getByText("The application writes here.").waitFor();
    await keep(1400);
    await environment.getByRole("button", { name: "Kill the primary", exact: true }).click();
    await environment.getByText("Down: no process.").waitFor();
    await keep(1400);
    const box = page.getByRole("textbox", { name: "Message #incident-response" });
    await box.fill("/dr failover database --unplanned");
    await keep(1400);
    await box.press("Enter");
    const channel = page.getByRole("navigation", { name: "Channels" }).getByRole("button", { name: /^inc-/ });
    await channel.click();
    const replies = page.getByRole("main").getByRole("button", { name: /\d+ repl/ });
    await replies.first().waitFor();
    await keep(1600);
    await page.getByRole("button", { name: /^You are/ }).click();
    const sam = page.getByRole("menuitem", { name: /Sam Okafor/ });
    await sam.hover();
    await keep(1200);
    await sam.click();
    await replies.first().click();
    const thread = page.getByRole("region", { name: "Thread" });
    const approve = thread.getByRole("button", { name: /^Approve/ });
    await approve.waitFor();
    await keep(2600);
    await onPhone(browser, url);
    await approve.click();
    const sure = page.getByRole("alertdialog");
    await sure.waitFor();
    await keep(1800);
    await sure.getByRole("button", { name: "Approve" }).click();
    await whileRunning(thread, () => keep(700));
    await environment.getByText("The application writes here.").waitFor();
    await page.getByRole("button", { name: "Close thread" }).click();
    await toTop(page, "Done and verified");
    await keep(3500);
    await page.screenshot({ path: docs("practice.png") });
    return frames;
  } finally {
    await browser.close();
  }
}

/** The decision as Sam has it in hand, in the incident's channel. */
async function onPhone(browser: Browser, url: string): Promise<void> {
  const context = await browser.newContext(PHONE);
  await context.addInitScript('sessionStorage.setItem("persona", "USAM"); localStorage.setItem("tour", "closed")');
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  await page.goto(url);
  await page.getByRole("button", { name: "Back", exact: true }).first().click();
  await page.getByRole("navigation", { name: "Channels" }).getByRole("button", { name: /^inc-/ }).click();
  await page
    .getByRole("main")
    .getByRole("button", { name: /\d+ repl/ })
    .first()
    .click();
  const approve = page.getByRole("region", { name: "Thread" }).getByRole("button", { name: /^Approve/ });
  await approve.evaluate((it) => it.closest("article")?.scrollIntoView({ block: "end" }));
  await page.screenshot({ path: docs("phone.png") });
  await context.close();
}

/** The newest message with this heading begins where its list begins. */
async function toTop(page: Page, heading: string): Promise<void> {
  const found = page.getByRole("heading", { name: new RegExp(heading) }).last();
  await found.evaluate((it) => it.closest("article")?.scrollIntoView({ block: "start" }));
}

/** A frame each time the thread says something else, until it is over. */
async function whileRunning(thread: Locator, keep: () => Promise<void>): Promise<void> {
  let before: string | null = "";
  const over = thread.getByRole("heading", { name: /Done and verified/ });
  for (let frames = 0; (await over.count()) === 0; ) {
    const now = await thread.textContent();
    if (now === before || frames >= 8) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    before = now;
    frames += 1;
    await keep();
  }
}

/** The pixels of pictures, by the browser that made them. */
async function pixelsOf(frames: readonly Frame[]): Promise<readonly Uint8ClampedArray[]> {
  const browser = await openBrowser(browserPath() ?? "chromium");
  try {
    const page = await browser.newPage();
    const read = `async (url) => {
      const image = new Image(); image.src = url; await image.decode();
      const canvas = document.createElement("canvas"); canvas.width = image.width; canvas.height = image.height;
      const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      let text = ""; for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
      return btoa(text);
    }`;
    const all: Uint8ClampedArray[] = [];
    for (const { png } of frames) {
      const url = `data:image/png;base64,${png.toString("base64")}`;
      all.push(
        new Uint8ClampedArray(Buffer.from(String(await page.evaluate(`(${read})(${JSON.stringify(url)})`)), "base64")),
      );
    }
    return all;
  } finally {
    await browser.close();
  }
}

const folder = join(projectRoot(), ".lifeboat", "picture");
/** Of a practice that was just started: `npm run picture -- http://127.0.0.1:4180`. */
const [running] = process.argv.slice(2);
const frames = running
  ? await film(running)
  : await during({ system: "practice", folder }, ({ url }) => film(url)).finally(() =>
      rm(folder, { recursive: true, force: true }),
    );
const pixels = await pixelsOf(frames);
const gif = await encode({
  ...SIZE,
  maxColors: 128,
  frames: frames.map(({ delay }, i) => ({ data: pixels[i] as Uint8ClampedArray, delay })),
});
await writeFile(docs("practice.gif"), Buffer.from(gif));
const { size } = await stat(docs("practice.gif"));
const seconds = frames.reduce((sum, { delay }) => sum + delay, 0) / 1000;
process.stdout.write(`docs/practice.gif: ${frames.length} frames, ${seconds} s, ${Math.round(size / 1000)} kB\n`);
if (size > BYTES_MAX) process.exitCode = 1;
process.exit();
