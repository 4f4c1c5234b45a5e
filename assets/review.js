// Answering with less effort: drafts kept while typing, a counter, the image in full size, keys. Everything works without it.

const form = document.getElementById("answer");
const keys = document.getElementById("keys");
const request = document.querySelector("[data-request]")?.dataset.request;

// Drafts: what is in the form, as src/http/page_answer.rs reads it.

function typed() {
  const data = new FormData(form), first = data.get("response") ?? "", other = (data.get("other") ?? "").trim();
  if (form.dataset.kind === "text") return first.replaceAll("\r\n", "\n");
  if (form.dataset.kind === "multi_select") return [...data.getAll("response"), other].filter((it) => it.trim());
  return first.trim() || other || null;
}

const REST = 700; // milliseconds: of what is typed in one go one draft is kept
let waiting, changed = false, sentAt = -Infinity;
const SENT = 10_000; // milliseconds: who is still here then has not sent it

async function keep() {
  clearTimeout(waiting);
  const answer = typed(), told = document.getElementById("kept");
  if (!changed || performance.now() - sentAt < SENT) return;
  changed = false;
  try {
    const path = `/v1/reviewer/requests/${request}/draft`, headers = { "content-type": "application/json" };
    const kept = await fetch(path, { method: "PUT", headers, body: JSON.stringify({ response_data: answer }), keepalive: true });
    if (kept.status === 401) document.getElementById("signed-out").hidden = false;
    const isOver = [404, 409].includes(kept.status); // there is nothing to keep it for
    changed ||= !kept.ok && !isOver;
    told.textContent = kept.ok ? "Draft kept" : isOver ? "" : "Not kept: the server did not take it";
  } catch {
    changed = true; // out of reach: with the next letter it is tried again
    told.textContent = "Not kept: the server cannot be reached";
  }
}

function count() {
  const text = form.querySelector("textarea[data-most]"), counter = form.querySelector(".counter");
  if (!text) return;
  const length = [...text.value.trim()].length, most = Number(text.dataset.most);
  counter.hidden = false;
  counter.textContent = `${length} of ${most}`;
  counter.classList.toggle("over", length > most);
}

if (form) {
  form.addEventListener("input", ({ target }) => {
    if (target.id === "other" && target.value && document.getElementById("own")) document.getElementById("own").checked = true;
    changed = true;
    clearTimeout(waiting);
    waiting = setTimeout(keep, REST);
    count();
  });
  form.addEventListener("formdata", ({ formData }) => {
    const own = document.getElementById("own");
    if (own && !own.checked) formData.delete("other"); // another option was chosen since
  });
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    sentAt = performance.now();
    if (changed) waiting = setTimeout(keep, SENT + REST);
  });
  addEventListener("pagehide", keep);
  addEventListener("online", keep);
  count();
  for (const slider of form.querySelectorAll("[data-slides]")) {
    const number = document.getElementById(slider.dataset.slides);
    slider.hidden = false;
    const follow = () => {
      if (number.value) slider.value = number.value;
      slider.classList.toggle("unset", !number.value);
    };
    slider.addEventListener("input", () => {
      number.value = slider.value;
      follow();
    });
    number.addEventListener("input", follow);
    follow();
  }
}

// The image in full size, without leaving the page.

for (const link of document.querySelectorAll("[data-zoom]")) {
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const dialog = document.getElementById("zoom");
    if (!dialog.querySelector("img")) dialog.append(link.querySelector("img").cloneNode());
    dialog.showModal();
  });
}

// Keys. Single ones can be switched off, because they get in the way of those who speak to their computer.

const SWITCH = "hitl-keys";
const areOn = () => localStorage.getItem(SWITCH) !== "off";

function move(by) {
  const links = [...document.querySelectorAll(".request-line a")];
  const here = links.indexOf(document.activeElement);
  links[here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1)]?.focus();
}

function claim() {
  const here = document.querySelector("[data-claim]");
  if (here) return here.form.requestSubmit(here);
  const link = document.activeElement.closest?.(".request-line a");
  if (!link) return;
  const post = Object.assign(document.createElement("form"), { method: "post", action: `${link.pathname}/claim`, hidden: true });
  document.body.append(post);
  post.requestSubmit();
}

// What is typed in one go is one number: the tenth option, the point 7.5 of a scale.
const GO = 900; // milliseconds
let number = "", typedAt = 0;

function choose(letter) {
  number = performance.now() - typedAt < GO ? number + letter : letter;
  typedAt = performance.now();
  const chosen = numbered(number) ?? numbered(letter);
  if (!chosen) return;
  chosen.focus();
  if (chosen.matches("input")) chosen.click(); // a button is only gone to: a digit decides nothing
}

function numbered(text) {
  if (form.querySelector(".point")) return form.querySelector(`.point input[value="${text.replace(",", ".")}"]`);
  return form.querySelectorAll(".option input:not([id=other]), .decision")[Number(text) - 1];
}

const single = { j: () => move(1), k: () => move(-1), c: claim, "?": () => keys?.showModal() };

addEventListener("keydown", (event) => {
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const decision = document.activeElement.closest?.(".decision");
    event.preventDefault();
    if (decision || form.querySelector(".send")) form.requestSubmit(decision ?? form.querySelector(".send"));
    return;
  }
  const isTyping = event.target.closest?.("textarea, select, dialog, input:not([type=radio], [type=checkbox])");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !areOn()) return;
  const isNumber = form && /^[-0-9.,]$/.test(event.key), field = form?.querySelector("input.number");
  if (isNumber && field) return field.focus(); // where the digit then goes
  const act = single[event.key] ?? (isNumber ? () => choose(event.key) : null);
  if (!act) return;
  event.preventDefault();
  act();
});

if (keys) {
  const box = document.getElementById("keys-on");
  box.checked = areOn();
  box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => keys.showModal());
  }
}
