// Renews the part of the page that changes, every two seconds; says so when the gateway does not answer.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  const offline = document.getElementById("offline");
  const renew = async () => {
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      const held = live.contains(document.activeElement) && document.activeElement !== document.body;
      if (html !== live.dataset.shown && !held) {
        live.innerHTML = html;
        live.dataset.shown = html;
      }
      offline.hidden = true;
    } catch {
      offline.hidden = false;
    }
  };
  setInterval(renew, 2000);
});
