import htm from "htm";
import { h } from "preact";

/** Templates that become virtual DOM. Text in them is always text: nothing on this page is ever set as HTML. */
export const html = htm.bind(h);
