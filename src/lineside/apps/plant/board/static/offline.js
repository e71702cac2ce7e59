// Answers without a connection: what cannot be sent waits in this browser and is sent once when the board is back. Each
// answer has a number of its own, so that the board takes it once however often it arrives, and it is sent only while
// the same person is logged in. What waits, and what was not taken, stands in plain sight on every page.
"use strict";
const answers = (() => {
  const LONGEST = 12 * 3600 * 1000;
  const PATIENCE = 8000;

  const store = async (mode, work) => {
    const base = await new Promise((resolve, reject) => {
      const opening = indexedDB.open("lineside", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("answers", { keyPath: "id", autoIncrement: true });
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    try {
      const doing = base.transaction("answers", mode);
      const asked = work(doing.objectStore("answers"));
      await new Promise((resolve, reject) => { doing.oncomplete = resolve; doing.onerror = () => reject(doing.error); doing.onabort = () => reject(doing.error); });
      return asked.result;
    } finally {
      base.close();
    }
  };
  const all = () => store("readonly", (kept) => kept.getAll());
  const add = (entry) => store("readwrite", (kept) => kept.add(entry));
  const put = (entry) => store("readwrite", (kept) => kept.put(entry));
  const remove = (id) => store("readwrite", (kept) => kept.delete(id));

  const account = () => document.body.dataset.account || "";
  const number = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const post = (action, fields) => fetch(action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
  const taken = (answer) => answer.type === "opaqueredirect" || answer.ok;
  const words = async (answer) => {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("main p")?.textContent.trim() || `${answer.status}`;
  };

  // What the board said to an answer that was given just now; `null`: it waits.
  const send = async (form, submitter) => {
    const fields = Object.fromEntries(new FormData(form, submitter));
    fields.once = number();
    const action = form.getAttribute("action");
    try {
      const answer = await post(action, fields);
      if (answer.status >= 500 || answer.status === 429) throw new Error("not now");
      return { taken: taken(answer), again: answer.status === 401, words: taken(answer) ? "" : await words(answer) };
    } catch {
      const { token, ...rest } = fields;
      const label = (submitter?.firstChild?.textContent || "").trim();
      await add({ action, fields: rest, account: account(), at: Date.now(), label, where: document.title.replace(/ · Lineside$/, "") });
      await show();
      return null;
    }
  };

  let flushing = false;
  let later = 0;
  // Send what waits, in order; `true` where the board has taken something, so that the page is out of date.
  const flush = async () => {
    const token = document.querySelector("input[name=token]")?.value;
    if (flushing || !token || !account() || Date.now() < later) return false;
    flushing = true;
    let changed = false;
    try {
      for (const entry of await all()) {
        if (entry.refused || entry.account !== account()) continue;
        const held = String(Math.min(LONGEST, Math.max(0, Date.now() - entry.at)));
        const answer = await post(entry.action, { ...entry.fields, token, held });
        if (taken(answer)) { await remove(entry.id); changed = true; }
        else if ([404, 409, 422].includes(answer.status)) { await put({ ...entry, refused: await words(answer) }); changed = true; }
        else { later = Date.now() + 10000; break; }
      }
    } catch {
      later = Date.now() + 2000;
    } finally {
      flushing = false;
      await show();
    }
    return changed;
  };

  const line = (entry) => {
    const row = document.createElement("li");
    row.textContent = entry.refused ? `${entry.label} (${entry.where}): ${entry.refused}` : `${entry.label} (${entry.where})`;
    if (entry.refused) {
      const seen = document.createElement("button");
      seen.type = "button";
      seen.textContent = JSON.parse(document.body.dataset.words).seen;
      seen.addEventListener("click", async () => { await remove(entry.id); await show(); });
      row.append(" ", seen);
    }
    return row;
  };

  const show = async () => {
    const box = document.getElementById("waiting");
    if (!box) return;
    const entries = await all();
    const mine = entries.filter((entry) => entry.account === account());
    for (const [name, kept] of [["wait", mine.filter((entry) => !entry.refused)], ["refused", mine.filter((entry) => entry.refused)]]) {
      const part = box.querySelector(`[data-${name}]`);
      part.hidden = kept.length === 0;
      part.querySelector("[data-count]").textContent = String(kept.length);
      part.querySelector("ul").replaceChildren(...kept.map(line));
    }
    const others = entries.length - mine.length;
    box.querySelector("[data-others]").hidden = others === 0;
    box.querySelector("[data-others] [data-count]").textContent = String(others);
    box.hidden = entries.length === 0;
  };

  // Also where this page itself was loaded before there was a worker.
  const tell = (message) => navigator.serviceWorker?.ready.then((known) => known.active?.postMessage(message));
  const keepCards = (paths) => tell({ keep: paths });

  document.addEventListener("DOMContentLoaded", () => {
    if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js").catch(() => undefined);
    if (!document.body.dataset.kept) tell({ spoken: document.documentElement.lang });
    // What one person has seen is not for the next who logs in at this tablet.
    if (location.pathname === "/login" && "caches" in window) {
      tell({ forget: true });
      caches.delete("lineside-pages-1");
    }
    show().catch(() => undefined);
  });
  return { send, flush, show, keepCards };
})();
