// Lets this browser take notifications: the one thing on its page that needs a script.
const button = document.querySelector("[data-push-key]");
const guess = document.querySelector("select[data-guess]");

// Who has not said so yet most likely goes by this device's clock.
const place = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (guess && [...guess.options].some((option) => option.value === place)) guess.value = place;

if (button && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  document.getElementById("push").hidden = false;
  document.getElementById("no-push").hidden = true;
  button.addEventListener("click", enable);
}

function say(text) {
  document.getElementById("push-says").textContent = text;
}

async function enable() {
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      return say("This browser does not let the site notify you. Its settings for this site can change that.");
    }
    const subscription = await subscribe((await navigator.serviceWorker.ready).pushManager);
    const added = await fetch("/v1/reviewer/devices", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(subscription),
    });
    if (!added.ok) return say((await added.json()).msg);
    location.assign("/account/notifications?notice=device-added");
  } catch (error) {
    say(`This browser could not be added: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

/** This browser's subscription with the server's key; one with another key, of an earlier server, makes way. */
async function subscribe(manager) {
  const key = Uint8Array.from(atob(button.dataset.pushKey.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await manager.subscribe(options);
  } catch (error) {
    const old = await manager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return manager.subscribe(options);
  }
}
