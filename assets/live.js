// Keeps a page's [data-live] parts as the server would show them now: listens for what happens, fetches the page again, and
// puts what changed in place. One tab listens and tells the others, because browsers open only a few streams to one server.
import { reveal } from "./copy.js";
import { morph } from "./morph.js";
import { tick } from "./time.js";

const EVENTS = [
  "request.created", "request.claimed", "request.released", "request.updated", "request.completed", "request.cancelled", "request.timeout",
  "request.feedback",
  "loop.updated", "loop.deleted", "loop.member_joined", "loop.member_left",
];
const REST = 250; // milliseconds: of a burst the page is fetched once
const tabs = new BroadcastChannel("hitl-live");
let waiting, under_way = false, again = false;

function soon() {
  waiting ??= setTimeout(() => {
    waiting = undefined;
    refresh();
  }, REST);
}

async function refresh() {
  if (under_way) return void (again = true);
  under_way = true;
  try {
    // After a form that was refused, the page is not where the browser thinks it is.
    const here = new URL(document.querySelector("[data-here]")?.dataset.here ?? location.href, location.origin);
    const answer = await fetch(here, { headers: { accept: "text/html" } });
    if (new URL(answer.url).pathname !== here.pathname) return signedOut();
    const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    // What could not be answered when this page was made can be now: nothing is typed here that could be lost.
    if (fresh && fresh.getElementById("answer") && !document.getElementById("answer")) return location.replace(here);
    if (fresh) show(fresh);
  } catch {
    // Out of reach: the stream tells when it is back.
  } finally {
    under_way = false;
    if (again) soon();
    again = false;
  }
}

function show(fresh) {
  document.title = fresh.title;
  count(fresh);
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(part.id);
    if (now) morph(part, now);
    reveal(part);
    tick(part);
  }
}

// How many wait is the number on the app's icon too, where there is one and somebody wants it.
function count(page) {
  const waiting = page.querySelector("[data-badge]");
  if (waiting) navigator.setAppBadge?.(Number(waiting.dataset.badge))?.catch(() => {});
}

function signedOut() {
  const told = document.getElementById("signed-out"), way = told?.querySelector("a");
  if (way) way.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  if (told) told.hidden = false;
}

// Until one is refused: then another tab may try, where somebody has signed in again meanwhile.
function listen(done) {
  const stream = new EventSource("/v1/reviewer/events");
  let lost = false;
  const happened = () => {
    tabs.postMessage("");
    soon();
  };
  for (const name of EVENTS) stream.addEventListener(name, happened);
  stream.addEventListener("open", () => {
    if (lost) happened(); // something may have happened meanwhile
    else soon();
    lost = false;
  });
  stream.addEventListener("error", () => {
    lost = true;
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    happened(); // the page tells whether one is signed out
    done();
  });
}

// What no event tells of, such as what became of a delivery, is looked up now and then, while somebody looks.
const polled = document.querySelector("[data-poll]");
if (polled) setInterval(() => document.hidden || soon(), polled.dataset.poll * 1000);
addEventListener("visibilitychange", () => polled && !document.hidden && soon());

tabs.addEventListener("message", soon);
addEventListener("pageshow", (event) => event.persisted && soon());
// Locks are for secure places only; elsewhere each tab listens for itself.
if (navigator.locks) navigator.locks.request("hitl-live", () => new Promise(listen));
else listen(() => {});
count(document);
soon(); // what happened after this page was made and before anybody here listened
