// What every page does beyond showing itself. Nothing here is needed for anything to work.
import "./copy.js";
import "./time.js";

// A notice is said once: reloading the page, or a link to it, does not say it again.
const here = new URL(location.href);
if (here.searchParams.has("notice")) {
  here.searchParams.delete("notice");
  history.replaceState(history.state, "", here);
}

// A form is sent once, however often its button is pressed.
const PATIENCE = 10_000; // milliseconds
addEventListener("submit", ({ target }) => {
  if (target.method !== "post") return;
  for (const button of target.querySelectorAll("button[type=submit]")) setTimeout(() => (button.disabled = true));
  setTimeout(enable, PATIENCE); // whoever stopped it, or whose network was gone, may try again
});
addEventListener("pageshow", enable);

function enable() {
  for (const button of document.querySelectorAll("form[method=post] button[type=submit]")) button.disabled = false;
}

navigator.serviceWorker?.register("/service-worker.js").catch(() => {}); // where the browser will not, the pages work as well
