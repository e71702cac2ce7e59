// What the pages do by themselves: follow the live stream, keep ages right by the server's clock, say when the
// connection is lost, and remember light or dark. Every page works without it, only not live.
"use strict";
(() => {
  const LOST_AFTER = 8000;
  const OLD_AFTER = 60000;
  const root = document.documentElement;

  const theme = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (theme) root.dataset.theme = theme;

  let words = { old: "data {age} old", s: "{n} s", min: "{n} min", h: "{n} h", d: "{n} d" };
  const say = (unit, n) => words[unit].replace("{n}", n);
  const age = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return say("s", seconds);
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return say("min", minutes);
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 ? `${say("h", hours)} ${say("min", minutes % 60)}` : say("h", hours);
    const days = Math.floor(hours / 24);
    return hours % 24 ? `${say("d", days)} ${say("h", hours % 24)}` : say("d", days);
  };

  let kept = 0;     // when this page was kept, wall ms, where it was shown without a connection
  let now = 0;      // the process's time as last heard, ms
  let newest = 0;   // receive time of the newest data, ms
  let heard = null; // when we last heard anything, by our own steady clock

  const tick = () => {
    for (const element of document.querySelectorAll("[data-since]")) {
      const text = age(now - Number(element.dataset.since));
      if (element.textContent !== text) element.textContent = text;
    }
    const silence = heard === null ? 0 : performance.now() - heard;
    const lost = kept > 0 || silence > LOST_AFTER;
    const old = now - newest + (lost ? silence : 0);
    const badge = document.querySelector("[data-age]");
    if (badge && newest) {
      badge.textContent = words.old.replace("{age}", age(old));
      badge.parentElement.classList.toggle("old", old > OLD_AFTER);
    }
    const banner = document.getElementById("offline");
    if (banner) {
      banner.hidden = !lost;
      if (lost) banner.querySelector("[data-offline]").textContent = age(silence);
    }
    document.body.classList.toggle("lost", lost);
  };

  const showTime = () => {
    const clock = document.getElementById("clock");
    if (clock && clockOffset !== null) {
      const time = new Date(now + clockOffset);
      clock.textContent = `${String(time.getUTCHours()).padStart(2, "0")}:${String(time.getUTCMinutes()).padStart(2, "0")}`;
    }
  };
  let clockOffset = null; // from UTC to the time of day at the line, ms; taken from what the server wrote

  const learnOffset = () => {
    const clock = document.getElementById("clock");
    if (!clock || !now) return;
    const [hours, minutes] = clock.textContent.split(":").map(Number);
    const shown = (hours * 60 + minutes) * 60000;
    const utc = Math.floor((now % 86400000) / 60000) * 60000;
    clockOffset = shown - utc;
  };

  const heardOf = (content) => {
    heard = performance.now();
    // What was shown without a connection is old in every part: begin anew once there is one, and what waited is sent.
    if (kept) { kept = 0; answers.flush().finally(() => location.reload()); return; }
    answers.flush().then((changed) => { if (changed) refresh(); }, () => undefined);
    now = content.now;
    if (content.newest) newest = content.newest;
    tick();
    showTime();
  };

  const put = (id, html) => {
    const old = document.getElementById(id);
    if (!old) return;
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector(`#${CSS.escape(id)}`);
    const focused = old.contains(document.activeElement);
    if (fresh) old.replaceWith(fresh); else old.replaceChildren(holder.content);
    if (focused) {
      const target = document.getElementById(id);
      (target.matches("a, button") ? target : target.querySelector("a, button"))?.focus();
    }
  };

  // The page is fetched again when what it shows has changed, unless somebody is in the middle of a choice; what was
  // unfolded stays unfolded, and a plot that is alive stays and takes up what is new of its figure.
  let fetching = false;
  let again = false;
  const isBusy = (main) => Boolean(
    main.querySelector(".ask:not([hidden]), .plot.held") || main.querySelector("input:focus, select:focus")
    || [...main.querySelectorAll("input:not([type=radio], [type=checkbox])")].some((field) => field.value !== field.defaultValue)
  );
  const refresh = async () => {
    const main = document.getElementById("main");
    if (isBusy(main)) return;
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (isBusy(main)) return;
      for (const fold of main.querySelectorAll("details[id]")) {
        const same = fresh.querySelector(`#${CSS.escape(fold.id)}`);
        if (same) same.open = fold.open;
      }
      const [focused, renewed] = [document.activeElement, new Map()];
      for (const plot of main.querySelectorAll(".plot.alive[id]")) {
        const same = fresh.querySelector(`#${CSS.escape(plot.id)}`);
        if (same) { renewed.set(plot, same); same.replaceWith(plot); }
      }
      main.replaceChildren(...fresh.childNodes);
      if (main.contains(focused)) focused.focus({ preventScroll: true });
      document.dispatchEvent(new CustomEvent("renewed", { detail: renewed }));
      for (const id of ["facts", "warnings"]) {
        const [old, other] = [document.getElementById(id), page.getElementById(id)];
        if (old && other) old.replaceChildren(...other.childNodes);
      }
    } catch {
      // The stream says when the connection is lost; the next change tries again.
    } finally {
      fetching = false;
      if (again) { again = false; setTimeout(refresh, 500); }
    }
  };

  // The cards that somebody may need without a connection: those that this page leads to.
  const keepCards = () => {
    const links = [...document.querySelectorAll('main a[href^="/alerts/"]')].map((link) => link.getAttribute("href"));
    answers.keepCards([...new Set(links)].slice(0, 12));
  };

  const respond = async (form, submitter) => {
    const said = await answers.send(form, submitter);
    delete form.dataset.sent;
    if (said === null) { ask(form.closest("article"), ""); return; }
    if (said.again) location.reload();
    else if (said.taken) location.assign(form.getAttribute("action").replace(/\/respond$/, ""));
    else {
      const problem = form.querySelector(".problem") || form.appendChild(document.createElement("p"));
      problem.className = "problem";
      problem.setAttribute("role", "alert");
      problem.textContent = said.words;
    }
  };

  let asked = null; // what opened the question, to give the focus back to
  const ask = (card, name) => {
    const open = name && card.querySelector(`#ask-${CSS.escape(name)}`);
    for (const other of card.querySelectorAll(".ask")) other.hidden = other !== open;
    card.classList.toggle("asking", Boolean(open));
    if (open) {
      asked = document.activeElement;
      open.querySelector("button, input:not([type=hidden])")?.focus();
    } else {
      asked?.focus();
      if (!kept) refresh();
    }
  };

  const concerns = (watch, content) => {
    const [kind, name] = [watch.split(":")[0], watch.slice(watch.indexOf(":") + 1)];
    if (kind === "alerts") return content.alerts.length > 0;
    if (kind === "alert") return content.alerts.includes(name);
    if (kind === "station") return content.stations.includes(name);
    return false;
  };

  // What changed between the making of the page and the opening of its stream is in neither: the first beat tells.
  // A page that watches nothing is left alone: it may show what is shown only once.
  const follow = (address, watch, version) => {
    const open = () => {
      const stream = new EventSource(address);
      let begun = false;
      stream.addEventListener("open", () => { begun = false; });
      stream.addEventListener("beat", (event) => {
        const content = JSON.parse(event.data);
        heardOf(content);
        if (!begun && watch && content.version !== version) refresh();
        begun = true;
        version = content.version;
      });
      stream.addEventListener("change", (event) => {
        const content = JSON.parse(event.data);
        heardOf(content);
        version = content.version;
        for (const [id, html] of Object.entries(content.html)) put(id, html);
        if (content.alerts.length) keepCards();
        if (concerns(watch, content)) refresh();
      });
      stream.addEventListener("error", () => {
        // A closed stream is the server's no (logged out, too many); ask by a request who we are.
        if (stream.readyState === EventSource.CLOSED) setTimeout(check, 3000);
      });
    };
    const check = async () => {
      try {
        const answer = await fetch("/", { method: "HEAD", redirect: "manual" });
        if (answer.type === "opaqueredirect" || answer.status === 401) location.reload(); else open();
      } catch {
        setTimeout(check, 3000);
      }
    };
    open();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const { now: start, newest: latest, live, watch, version } = document.body.dataset;
    words = { ...words, ...JSON.parse(document.body.dataset.words || "{}") };
    now = Number(start);
    newest = Number(latest);
    learnOffset();
    document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* remembered for this page only */ }
    });
    document.querySelector("form[data-submit-at-once]")?.requestSubmit();
    // A question of the card opens in its place: without a request, so also without a connection.
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-ask]");
      if (!link) return;
      event.preventDefault();
      ask(link.closest("article"), link.dataset.ask);
    });
    // A second tap on a slow network must not look like a second answer.
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      if (!form.matches("[data-queue]")) return;
      event.preventDefault();
      respond(form, event.submitter);
    });
    if (live) {
      kept = Number(document.body.dataset.kept || 0);
      heard = performance.now() - (kept ? Date.now() - kept : 0);
      if (kept) tick();
      keepCards();
      follow(live, watch || "", Number(version));
      setInterval(tick, 1000);
    }
  });
})();
