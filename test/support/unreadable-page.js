/** What of a report's page can't be read: a word that is broken, and what sticks out of the page or of the picture. Runs in the page. */
(() => {
  const found = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide, of ${clientWidth}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    // A head that is only read aloud stands outside of the page.
    const head = node.parentElement?.closest("thead");
    if (head && getComputedStyle(head).position === "absolute") continue;
    if (node.parentElement?.closest("title, desc, style")) continue;
    const says = node.textContent ?? "";
    for (const match of says.matchAll(/(?<![\p{L}\d_:/.-])\p{L}{2,25}(?![\p{L}\d_:/.-])/gu)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) found.push(`${match[0]} in “${says.slice(0, 60)}”`);
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect();
    for (const part of svg.querySelectorAll("text, rect")) {
      const { left, right, top, bottom } = part.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1)
        found.push(`${part.outerHTML} sticks out`);
    }
    for (const text of svg.querySelectorAll("text")) {
      const size = text.getBoundingClientRect().height;
      if (size < 10) found.push(`${text.textContent} is ${size} px high`);
    }
  }
  return found;
})();
