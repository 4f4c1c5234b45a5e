// Shows beside the form for a request what its people will see, while it is written, as the server renders it. Without it
// there is the button for that.
import { morph } from "./morph.js";

const form = document.querySelector("form.ask"), place = document.getElementById("preview-place");
const REST = 400; // milliseconds: of what is typed in one go one preview is made
let waiting, asked;

async function refresh() {
  asked?.abort(); // of two the later counts
  asked = new AbortController();
  const body = new URLSearchParams(new FormData(form));
  body.set("act", "preview");
  try {
    const answer = await fetch("/requests/new", { method: "POST", body, signal: asked.signal });
    show(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.ok);
  } catch {
    // Out of reach, or something was typed meanwhile.
  }
}

function show(page, isComplete) {
  const fresh = page.getElementById("preview-place");
  if (fresh && isComplete) return morph(place, fresh);
  const told = document.getElementById("preview-told");
  const problem = page.querySelector("form.ask .error, .notice-problem p");
  told.textContent = fresh ? `Not complete yet. ${problem?.lastChild.textContent.trim() ?? ""}` : "You are signed out: keep what you wrote, and sign in again.";
  told.hidden = false;
}

if (form && place) {
  const none = document.getElementById("preview-none");
  if (none) none.hidden = false;
  const later = () => {
    clearTimeout(waiting);
    if (form.elements.request_text.value.trim()) waiting = setTimeout(refresh, REST);
  };
  form.addEventListener("input", later);
  if (none) later(); // what the browser has kept of an earlier visit
}
